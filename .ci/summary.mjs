// node .ci/summary.mjs <vitest JSON report> <exit status of npm test>
// Prints what failed and, last, "N passed, N failed, N skipped"; its exit status is not zero if anything failed.
import { existsSync, readFileSync } from "node:fs";

const [reportPath, statusText] = process.argv.slice(2);
const status = Number(statusText);

if (!existsSync(reportPath)) {
  console.log("ci: the tests did not run (type check or lint failed, see above)");
  console.log("0 passed, 1 failed, 0 skipped");
  process.exit(1);
}

const hasKvm = existsSync("/dev/kvm");

/** Only tests of the host's own /dev/kvm may skip here: a machine has it or not. */
function maySkip(file, name) {
  if (hasKvm) return name.includes("where there is no /dev/kvm");
  const source = readFileSync(file, "utf8");
  return source.includes("/dev/kvm") || source.includes("support/x86.ts");
}

const { testResults } = JSON.parse(readFileSync(reportPath, "utf8"));
let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of testResults) {
  let failedHere = 0;
  for (const test of file.assertionResults) {
    if (test.status === "passed") passed++;
    else if (test.status === "failed") {
      failedHere++;
      console.log(`ci: FAILED ${file.name}: ${test.fullName}`);
    } else if (maySkip(file.name, test.fullName)) {
      skipped++;
      console.log(`ci: skipped ${file.name}: ${test.fullName}`);
    } else {
      failedHere++;
      console.log(
        `ci: FAILED ${file.name}: ${test.fullName}: skipped, though every tool it may need is installed`,
      );
    }
  }
  // A file that failed outside its tests (a missing tool, an import error) counts as one.
  if (file.status === "failed" && failedHere === 0) {
    failedHere = 1;
    console.log(`ci: FAILED ${file.name}: ${String(file.message).split("\n")[0]}`);
  }
  failed += failedHere;
}
if (failed === 0 && status !== 0) {
  failed = 1;
  console.log(
    `ci: npm test ended with status ${status} though no test failed (an error outside the tests, see above)`,
  );
}
if (passed === 0 && failed === 0) {
  failed = 1;
  console.log("ci: no test ran");
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);
