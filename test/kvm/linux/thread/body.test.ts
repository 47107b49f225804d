import { describe, expect, it } from "vitest";
import {
  loadingThread,
  type ThreadStart,
  threadBody,
  threadStates,
  threadWords,
} from "../../../../src/kvm/linux/thread/body.ts";

const { stop, enter } = threadStates;

/** The body of a vCPU's thread with a package in place of koffi, in which `onLoad` happens. @returns the words it shares */
function run(state: number, onLoad: (words: Int32Array) => void): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(16));
  words[threadWords.state] = state;
  const start: ThreadStart = {
    koffi: "koffi",
    words: words.buffer as SharedArrayBuffer,
    bell: new SharedArrayBuffer(8),
    signalSet: 0,
    zeroTime: 0,
    kvmRun: 0,
  };
  const call = (name: string) => () => {
    if (name !== "ioctl") return 42;
    // The guest is left, and the thread ends.
    words[threadWords.state] = stop;
    return 0;
  };
  const require = () => {
    onLoad(words);
    return { load: () => ({ func: call }), errno: () => 0 };
  };
  threadBody({ require, tell: () => {} }, start);
  return words;
}

describe("a vCPU's thread", () => {
  it("says that it loads native code before it does, and its number afterwards", () => {
    const seen: (number | undefined)[] = [];
    const words = run(enter, (now) => seen.push(now[threadWords.thread]));
    expect(seen).toEqual([loadingThread]);
    expect(words[threadWords.thread]).toBe(42);
  });

  it("loads nothing when it was ended before it began, or Node would abort the process", () => {
    let loads = 0;
    const words = run(stop, () => loads++);
    expect([loads, words[threadWords.thread]]).toEqual([0, 0]);
  });

  it("does not let anybody wait for it when it cannot load", () => {
    let shared: Int32Array | undefined;
    const cannotLoad = (words: Int32Array): void => {
      shared = words;
      throw new Error("no such package");
    };
    expect(() => run(enter, cannotLoad)).toThrow("no such package");
    expect(shared?.[threadWords.thread]).toBe(0);
  });
});
