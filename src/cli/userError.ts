/** Something the user can put right: the message is one line that names the option or file, what is wrong and what to do. */
export class UserError extends Error {
  override readonly name = "UserError";
}
