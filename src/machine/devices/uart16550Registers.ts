/** Registers of a PC16550D and their bits (data sheet, table II). */

/** By offset from the first port. */
export const REGISTER = { DATA: 0, IER: 1, IIR: 2, LCR: 3, MCR: 4, LSR: 5, MSR: 6, SCRATCH: 7 } as const;

/** Interrupt enable. */
export const IER = { RECEIVER: 1, TRANSMITTER: 2, LINE: 4, MODEM: 8, ALL: 0xf } as const;

/** Interrupt identification: the source, and whether the FIFOs are on. */
export const IIR = {
  NONE: 1,
  MODEM: 0,
  TRANSMITTER: 2,
  RECEIVER: 4,
  LINE: 6,
  TIMEOUT: 0xc,
  FIFOS: 0xc0,
} as const;

/** FIFO control. */
export const FCR = { ENABLE: 1, CLEAR_RECEIVER: 2, TRIGGER: 0xc0, TRIGGER_LEVELS: [1, 4, 8, 14] } as const;

/** Line control. */
export const LCR = { DLAB: 0x80 } as const;

/** Modem control. */
export const MCR = { DTR: 1, RTS: 2, OUT1: 4, OUT2: 8, LOOP: 0x10, ALL: 0x1f } as const;

/** Line status. */
export const LSR = { DR: 1, OE: 2, BI: 0x10, THRE: 0x20, TEMT: 0x40 } as const;

/** Modem status: four deltas, four inputs. */
export const MSR = { TERI: 4, CTS: 0x10, DSR: 0x20, RI: 0x40, DCD: 0x80 } as const;
