/** The PL011's register offsets and bits (Arm PrimeCell UART PL011 r1p5, TRM DDI 0183G, chapter 3). */
export const PL011_OFFSET = {
  DR: 0x00,
  RSR_ECR: 0x04,
  FR: 0x18,
  ILPR: 0x20,
  IBRD: 0x24,
  FBRD: 0x28,
  LCR_H: 0x2c,
  CR: 0x30,
  IFLS: 0x34,
  IMSC: 0x38,
  RIS: 0x3c,
  MIS: 0x40,
  ICR: 0x44,
  DMACR: 0x48,
} as const;

/** UARTDR bits 8–11 above the data: the receive errors of that character. */
export const DR_ERROR = { FE: 1 << 8, PE: 1 << 9, BE: 1 << 10, OE: 1 << 11 } as const;

/** UARTFR. */
export const FR = {
  CTS: 1 << 0,
  DSR: 1 << 1,
  DCD: 1 << 2,
  BUSY: 1 << 3,
  RXFE: 1 << 4,
  TXFF: 1 << 5,
  RXFF: 1 << 6,
  TXFE: 1 << 7,
  RI: 1 << 8,
} as const;

/** UARTLCR_H. */
export const LCR_H = {
  BRK: 1 << 0,
  PEN: 1 << 1,
  EPS: 1 << 2,
  STP2: 1 << 3,
  FEN: 1 << 4,
  WLEN: 3 << 5,
  SPS: 1 << 7,
} as const;

/** UARTCR. */
export const CR = {
  UARTEN: 1 << 0,
  LBE: 1 << 7,
  TXE: 1 << 8,
  RXE: 1 << 9,
  DTR: 1 << 10,
  RTS: 1 << 11,
  OUT1: 1 << 12,
  OUT2: 1 << 13,
} as const;

/** The interrupt sources, as they stand in UARTIMSC, UARTRIS, UARTMIS and UARTICR. */
export const PL011_INTERRUPT = {
  RI: 1 << 0,
  CTS: 1 << 1,
  DCD: 1 << 2,
  DSR: 1 << 3,
  RX: 1 << 4,
  TX: 1 << 5,
  RT: 1 << 6,
  FE: 1 << 7,
  PE: 1 << 8,
  BE: 1 << 9,
  OE: 1 << 10,
} as const;

/** The receive FIFO's level that raises UARTRXINTR, by UARTIFLS[5:3], of a FIFO of 32; reserved values act as 7/8. */
export const RX_TRIGGER = [4, 8, 16, 24, 28, 28, 28, 28] as const;

/** Bits that can be written, by register; the others read as zero. */
export const PL011_WRITABLE = {
  ILPR: 0xff,
  IBRD: 0xffff,
  FBRD: 0x3f,
  LCR_H: 0xff,
  CR: 0xff87,
  IFLS: 0x3f,
  IMSC: 0x7ff,
  DMACR: 0x7,
} as const;
