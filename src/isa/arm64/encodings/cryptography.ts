import type { A64Entry } from "./feature.ts";

/** Arm ARM C4.1.6 "Cryptographic AES", "three-register SHA", "two-register SHA" and PMULL of 64-bit elements. */
// biome-ignore format: one form per line
export const cryptography: readonly A64Entry[] = [
  // AES
  { name: "AESE", pattern: "01001110 00 10100 00100 10 Rn:5 Rd:5", feature: "aes", asm: "aese <Vd.16B>, <Vn.16B>" },
  { name: "AESD", pattern: "01001110 00 10100 00101 10 Rn:5 Rd:5", feature: "aes", asm: "aesd <Vd.16B>, <Vn.16B>" },
  { name: "AESMC", pattern: "01001110 00 10100 00110 10 Rn:5 Rd:5", feature: "aes", asm: "aesmc <Vd.16B>, <Vn.16B>" },
  { name: "AESIMC", pattern: "01001110 00 10100 00111 10 Rn:5 Rd:5", feature: "aes", asm: "aesimc <Vd.16B>, <Vn.16B>" },
  { name: "PMULL_1Q", pattern: "0 Q 001110 11 1 Rm:5 1110 00 Rn:5 Rd:5", feature: "pmull", asm: "pmull<2> <Vd.1Q>, <Vn.D>, <Vm.D>" },

  // SHA1
  { name: "SHA1C", pattern: "01011110 00 0 Rm:5 0 000 00 Rn:5 Rd:5", feature: "sha1", asm: "sha1c <Qd>, <Sn>, <Vm.4S>" },
  { name: "SHA1P", pattern: "01011110 00 0 Rm:5 0 001 00 Rn:5 Rd:5", feature: "sha1", asm: "sha1p <Qd>, <Sn>, <Vm.4S>" },
  { name: "SHA1M", pattern: "01011110 00 0 Rm:5 0 010 00 Rn:5 Rd:5", feature: "sha1", asm: "sha1m <Qd>, <Sn>, <Vm.4S>" },
  { name: "SHA1SU0", pattern: "01011110 00 0 Rm:5 0 011 00 Rn:5 Rd:5", feature: "sha1", asm: "sha1su0 <Vd.4S>, <Vn.4S>, <Vm.4S>" },
  { name: "SHA1H", pattern: "01011110 00 10100 00000 10 Rn:5 Rd:5", feature: "sha1", asm: "sha1h <Sd>, <Sn>" },
  { name: "SHA1SU1", pattern: "01011110 00 10100 00001 10 Rn:5 Rd:5", feature: "sha1", asm: "sha1su1 <Vd.4S>, <Vn.4S>" },

  // SHA256
  { name: "SHA256H", pattern: "01011110 00 0 Rm:5 0 100 00 Rn:5 Rd:5", feature: "sha256", asm: "sha256h <Qd>, <Qn>, <Vm.4S>" },
  { name: "SHA256H2", pattern: "01011110 00 0 Rm:5 0 101 00 Rn:5 Rd:5", feature: "sha256", asm: "sha256h2 <Qd>, <Qn>, <Vm.4S>" },
  { name: "SHA256SU1", pattern: "01011110 00 0 Rm:5 0 110 00 Rn:5 Rd:5", feature: "sha256", asm: "sha256su1 <Vd.4S>, <Vn.4S>, <Vm.4S>" },
  { name: "SHA256SU0", pattern: "01011110 00 10100 00010 10 Rn:5 Rd:5", feature: "sha256", asm: "sha256su0 <Vd.4S>, <Vn.4S>" },
];
