import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Layout, Member } from "../../../../src/kvm/linux/uapi/layout.ts";

/** Where one architecture's kernel headers are. */
export interface KernelHeaders {
  readonly target: string;
  /** A folder that is there if the headers are. */
  readonly folder: string;
  readonly debianPackage: string;
}

/** Debian's places. */
export const kernelHeaders = {
  x86_64: {
    target: "x86_64-linux-gnu",
    folder: "/usr/include/x86_64-linux-gnu",
    debianPackage: "linux-libc-dev",
  },
  arm64: {
    target: "aarch64-linux-gnu",
    folder: "/usr/aarch64-linux-gnu/include",
    debianPackage: "linux-libc-dev-arm64-cross",
  },
} as const satisfies Record<string, KernelHeaders>;

/** Whether they are installed; one line on standard error says so if not. */
export function haveHeaders({ folder, debianPackage }: KernelHeaders): boolean {
  const found = existsSync(`${folder}/asm/kvm.h`);
  if (!found) {
    process.stderr.write(
      `SKIPPED: ${folder}/asm/kvm.h is not there (Debian: apt-get install ${debianPackage})\n`,
    );
  }
  return found;
}

const assertion = (claim: string): string => `_Static_assert(${claim}, "");`;

/** C that does not compile unless each member of the layout is where the header's is. */
export function layoutAssertions(layout: Layout): string[] {
  const type = `struct ${layout.name}`;
  const path = (prefix: string, key: string): string => (prefix === "" ? key : `${prefix}.${key}`);
  const members = (inner: Layout, prefix: string, base: number): string[] =>
    Object.entries(inner.members).flatMap(([key, member]) =>
      memberAssertions(member, path(prefix, key), prefix, base + (inner.offsets[key] ?? Number.NaN)),
    );
  const memberAssertions = (member: Member, name: string, outer: string, offset: number): string[] => {
    if (isLayout(member) && (member.anonymous || member.name === undefined)) {
      return members(member, member.anonymous ? outer : name, offset);
    }
    const at = assertion(`__builtin_offsetof(${type}, ${name}) == ${offset}`);
    return isLayout(member) ? [at, ...members(member, name, offset)] : [at];
  };
  const end = assertion(`sizeof(${type}) == ${layout.size}`);
  return [end, ...members(layout, "", 0)];
}

const isLayout = (member: Member): member is Layout => typeof member === "object" && "members" in member;

/** C that does not compile unless the constants have these values; those that the header does not know yet are let through. */
export function constantAssertions(constants: Readonly<Record<string, number>>): string[] {
  return Object.entries(constants).flatMap(([name, value]) => [
    `#ifdef ${name}`,
    assertion(`${name} == ${value}u`),
    "#endif",
  ]);
}

/** Names that the headers do not define. */
export function unknownConstants(
  constants: Readonly<Record<string, number>>,
  headers: KernelHeaders,
): string[] {
  const lines = Object.keys(constants).flatMap((name) => [`#ifndef ${name}`, `#warning ${name}`, "#endif"]);
  return [...compile(lines, headers).matchAll(/warning: (KVM_\w+)/g)].map((match) => match[1] ?? "");
}

/** Compiles the lines after the headers. @returns what the compiler says; nothing if all is well. */
export function compile(lines: readonly string[], { target, folder }: KernelHeaders): string {
  const source = ["#include <linux/kvm.h>", ...lines, ""].join("\n");
  const include = folder.startsWith("/usr/include/") ? [] : ["-nostdlibinc", "-isystem", folder];
  const { stderr } = spawnSync(
    "clang",
    [
      "-fsyntax-only",
      "-Wno-c2x-extensions",
      "-ferror-limit=0",
      `--target=${target}`,
      ...include,
      "-x",
      "c",
      "-",
    ],
    { input: source, encoding: "utf8" },
  );
  return stderr;
}
