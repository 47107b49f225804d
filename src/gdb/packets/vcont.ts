import type { ResumeAction } from "../target.ts";
import type { PacketCursor } from "./cursor.ts";
import { isOurProcess, parseThreadSelector, type ThreadSelector } from "./threadId.ts";

/** The actions `vCont?` lists. */
export const VCONT_ACTIONS = "vCont;c;C;s;S;t;r";

/** One action of a `vCont` packet and whom it is for. */
export interface ThreadAction {
  readonly action: ResumeAction;
  readonly threads: ThreadSelector;
}

const CONTINUE: ResumeAction = { kind: "continue", signal: 0 };
const STEP: ResumeAction = { kind: "step", signal: 0 };
const STOP: ResumeAction = { kind: "stop" };

/**
 * Parses what follows `vCont`: `;action[:thread-id]…`; undefined if malformed or if there is no action.
 * An action for another process than ours is left out.
 */
export function parseVCont(packet: PacketCursor): readonly ThreadAction[] | undefined {
  const actions: ThreadAction[] = [];
  let count = 0;
  while (packet.accept(";")) {
    const action = parseAction(packet);
    if (action === undefined) return undefined;
    count++;
    if (!packet.accept(":")) {
      actions.push({ action, threads: "all" });
      continue;
    }
    const selector = parseThreadSelector(packet);
    if (selector === undefined) return undefined;
    if (isOurProcess(selector.process)) actions.push({ action, threads: selector.thread });
  }
  return packet.done && count > 0 ? actions : undefined;
}

function parseAction(packet: PacketCursor): ResumeAction | undefined {
  const letter = packet.take();
  switch (letter) {
    case 0x63: // c
      return CONTINUE;
    case 0x73: // s
      return STEP;
    case 0x74: // t
      return STOP;
    case 0x43: // C
    case 0x53: {
      // S
      const signal = packet.hexNumber();
      return signal === undefined ? undefined : { kind: letter === 0x43 ? "continue" : "step", signal };
    }
    case 0x72: {
      // r
      const start = packet.hexBigInt();
      if (start === undefined || !packet.accept(",")) return undefined;
      const end = packet.hexBigInt();
      return end === undefined ? undefined : { kind: "range-step", start, end };
    }
    default:
      return undefined;
  }
}
