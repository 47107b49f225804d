import { UserError } from "../userError.ts";

/** `exits=FILE`. @returns the file @throws UserError */
export function parseTrace(option: string, text: string): string {
  const [, what, file] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  if (what !== "exits" || file === undefined || file === "") {
    throw new UserError(`${option} ${text}: it takes exits=FILE, the file to write every exit to`);
  }
  return file;
}
