import { FdtError } from "./tree.ts";

/** Printable ASCII without the path separator: what real trees use, wider than DTSpec 0.4, "Node names". */
const NODE_NAME = /^[!-.0-~]+$/;
const PROPERTY_NAME = /^[!-~]+$/;

/** @throws FdtError unless `name` can be a node's: empty for the root, and only there. */
export function checkNodeName(name: string, depth: number): void {
  if (depth === 0 ? name !== "" : !NODE_NAME.test(name)) {
    throw new FdtError(
      depth === 0
        ? `the root of a device tree has no name, this one ${JSON.stringify(name)}`
        : `${JSON.stringify(name)} cannot be the name of a device tree node`,
    );
  }
}

/** @throws FdtError unless `name` can be a property's. */
export function checkPropertyName(name: string): void {
  if (!PROPERTY_NAME.test(name)) {
    throw new FdtError(`${JSON.stringify(name)} cannot be the name of a device tree property`);
  }
}

/** @throws FdtError if a name comes twice. */
export function checkUnique(what: string, parent: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name))
      throw new FdtError(`the device tree node ${parent || "/"} has two ${what} named ${name}`);
    seen.add(name);
  }
}
