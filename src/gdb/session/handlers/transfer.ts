import { PROCESS_ID } from "../../packets/threadId.ts";
import { parseTransfer, writeTransfer } from "../../packets/transfer.ts";
import { type Refusal, refuse } from "../../refusal.ts";
import { memoryMapXml, threadsXml } from "../../xml.ts";
import type { PacketEntry, PacketHandler, SessionContext } from "../context.ts";

/** One object of qXfer: gives its document, or undefined if this target has none. */
type TransferObject = (
  session: SessionContext,
  annex: string,
  offset: number,
) => Uint8Array | Refusal | undefined;

const OBJECTS: Readonly<Record<string, TransferObject>> = {
  features: (session, annex, offset) => {
    if (annex === "target.xml" && offset === 0) session.adoptDescription();
    return session.registers.documents.get(annex) ?? refuse("absent", `there is no document ${annex}`);
  },
  "memory-map": (session) => {
    const regions = session.target.memoryMap?.();
    return regions === undefined ? undefined : new TextEncoder().encode(memoryMapXml(regions));
  },
  // The list may change between two parts; all parts come from what it was at the first.
  threads: (session, _annex, offset) => {
    if (offset === 0) {
      const { client, target } = session;
      const prefix = client.multiprocess ? `p${PROCESS_ID}.` : "";
      const xml = threadsXml(client.attached ? target.threads() : [], (id) => prefix + id.toString(16));
      session.threadsDocument = new TextEncoder().encode(xml);
    }
    return session.threadsDocument;
  },
};

/** `qXfer:object:read:annex:offset,length`. */
const transfer: PacketHandler = (session, packet) => {
  const { reply } = session;
  const request = parseTransfer(packet);
  if (request === undefined) return reply.refuse(refuse("invalid", "malformed qXfer packet"));
  if (request === "unsupported" || !Object.hasOwn(OBJECTS, request.object)) return reply.unsupported();
  const document = OBJECTS[request.object]?.(session, request.annex, request.offset);
  if (document === undefined) return reply.unsupported();
  if (!(document instanceof Uint8Array)) return reply.refuse(document);
  reply.begin();
  writeTransfer(reply, document, request, session.packetSize - 1);
  reply.end();
};

/** gdb: "General Query Packets": qXfer. */
export const TRANSFER_PACKETS: readonly PacketEntry[] = [{ name: "qXfer", when: "always", handle: transfer }];
