import type { Block } from "./blocks.ts";
import type { CachedFields } from "./cachedFields.ts";
import type { Effects } from "./effects.ts";
import type { Translation, Translator } from "./translation.ts";

/** A block with the effects of its instructions on the region's cached fields. */
export interface PlannedBlock extends Block {
  readonly effects: readonly Effects[];
}

/** What a region will do, found out before any code is written. */
export interface RegionPlan {
  readonly fields: CachedFields;
  /** In the order of their offsets; control enters at any of them. */
  readonly blocks: readonly PlannedBlock[];
  /** Cached fields that have locals. */
  readonly used: readonly number[];
  /** Those of them that are stored on the way out. */
  readonly dirty: readonly number[];
}

/** Plans a region of these blocks. Fields that an instruction touches across their bounds stay in memory. */
export function planRegion(blocks: readonly Block[], translator: Translator): RegionPlan {
  let fields = translator.fields;
  for (;;) {
    const effectsOf = (translation: Translation): Effects => translator.effects(translation, fields);
    const planned = blocks.map(
      (block): PlannedBlock => ({ ...block, effects: block.instructions.map(effectsOf) }),
    );
    const clashes = new Set<number>();
    const used = new Set<number>();
    const dirty = new Set<number>();
    for (const { effects } of planned) {
      for (const each of effects) {
        for (const field of each.clashes) clashes.add(field);
        for (const field of each.exposed) used.add(field);
        for (const field of each.conditionFields) used.add(field);
        for (const field of each.changed) {
          used.add(field);
          dirty.add(field);
        }
      }
    }
    if (clashes.size === 0) {
      const inOrder = (set: ReadonlySet<number>): readonly number[] => [...set].sort((a, b) => a - b);
      return { fields, blocks: planned, used: inOrder(used), dirty: inOrder(dirty) };
    }
    fields = fields.without(clashes);
  }
}
