import { describe, expect, it } from "vitest";
import { toText } from "../support/rsp.ts";
import { fromHex, hex, setUp } from "../support/setUp.ts";

describe("threads", () => {
  it("are listed, described and alive", () => {
    const { client } = setUp({ cpus: 2 });
    expect(client.ask("qfThreadInfo")).toBe("mp1.1,p1.2");
    expect(client.ask("qsThreadInfo")).toBe("l");
    expect(client.ask("Tp1.2")).toBe("OK");
    expect(client.ask("Tp1.3")).toBe("E03");
    expect(client.ask("qC")).toBe("QCp1.1");
    const extra = client.ask("qThreadExtraInfo,p1.2") ?? "";
    expect(toText(fromHex(extra))).toBe("cpu1 at EL1 <tiny>");
  });

  it("are plain numbers without multiprocess", () => {
    const { client } = setUp({ cpus: 2, features: "swbreak+" });
    expect(client.ask("qfThreadInfo")).toBe("m1,2");
    expect(client.ask("?")).toMatch(/^T02thread:1;/);
  });

  it("come as a document too, in as many parts as the client likes", () => {
    const { client } = setUp({ cpus: 2 });
    let text = "";
    for (;;) {
      const part = client.ask(`qXfer:threads:read::${hex(text.length)},10`) ?? "";
      text += part.slice(1);
      if (part.startsWith("l")) break;
      expect(part).toMatch(/^m.{16}$/s);
    }
    expect(text).toContain('<thread id="p1.2" core="1" name="cpu1">at EL1 &lt;tiny&gt;</thread>');
  });
});
