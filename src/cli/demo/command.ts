import { exitStatus } from "../exitStatus.ts";
import { writeText } from "../textOutput.ts";
import { prepareDemo } from "./guest.ts";
import { tellStory } from "./story.ts";
import { DemoLeft, Transcript } from "./transcript.ts";

/** Shows a guest under the debugger. @returns the exit status */
export async function demoCommand({ pause }: { readonly pause: boolean }): Promise<number> {
  const atTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const transcript = new Transcript({
    colours: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    pauses: pause && atTerminal,
  });
  try {
    await tellStory(await prepareDemo(transcript.transmit), transcript);
  } catch (error) {
    if (!(error instanceof DemoLeft)) throw error;
    await writeText("\n");
  }
  return exitStatus.done;
}
