import { UserError } from "../userError.ts";

/** One of a few words. @throws UserError that lists them */
export function parseChoice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === text);
  if (choice === undefined) {
    throw new UserError(`${option} ${text}: it takes ${choices.join(" or ")}`);
  }
  return choice;
}
