/** Flat guest programs of a few instructions. All use the PL011 at 0x9000000 and PSCI by HVC. */

const program = (...words: number[]): Uint8Array => {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  return bytes;
};

/** x1 = the UART. */
const uart = 0xd2a12001; // mov x1, #0x9000000
const send = 0xb9000023; // str w3, [x1]
const callPsci = (number: number): number[] => [
  0x52b08000, // mov w0, #0x84000000
  0x72800000 | (number << 5), // movk w0, #number
  0xd4000002, // hvc #0
];
const powerOff = callPsci(8);
const restart = callPsci(9);

/** Sends back what it receives, and powers off at a `q`. */
export const echo = program(
  uart,
  0xb9401822, // ldr w2, [x1, #0x18]   UARTFR
  0x3727ffe2, // tbnz w2, #4, .-4      RXFE
  0xb9400023, // ldr w3, [x1]
  send,
  0x7101c47f, // cmp w3, #'q'
  0x54ffff61, // b.ne .-20
  ...powerOff,
);

/** Sends `x` for ever. */
export const spew = program(
  uart,
  0x52800f03, // mov w3, #'x'
  send,
  0x17ffffff, // b .-4
);

/** Sends `r` and asks for a restart. */
export const restarter = program(
  uart,
  0x52800e43, // mov w3, #'r'
  send,
  ...restart,
);

/** Sends the device tree it was given, and powers off. */
export const deviceTreeDump = program(
  uart,
  0xb9400404, // ldr w4, [x0, #4]      totalsize
  0x5ac00884, // rev w4, w4
  0x38401403, // ldrb w3, [x0], #1
  send,
  0x71000484, // subs w4, w4, #1
  0x54ffffa1, // b.ne .-12
  ...powerOff,
);

/** Sends the four bytes of the real-time clock, lowest first, and powers off. */
export const clockDump = program(
  0xd2a12022, // mov x2, #0x9010000
  0xb9400043, // ldr w3, [x2]
  uart,
  send,
  ...[0, 0, 0].flatMap(() => [
    0x53087c63, // lsr w3, w3, #8
    send,
  ]),
  ...powerOff,
);

/** Waits for an interrupt that never comes. */
export const waiter = program(
  0xd503207f, // wfi
  0x17ffffff, // b .-4
);

/** Branches to itself. */
export const spinner = program(0x14000000);
