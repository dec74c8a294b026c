// Runs the addon in Node.js: `node test.mjs` after `anymod build`.
import assert from "node:assert/strict";
import { Metric, dot, nearest } from "./dist/node/vectors/index.mjs";

// Longer than any vector register, and no multiple of one.
const a = Float32Array.from({ length: 37 }, (_, at) => at - 18);
const b = Float32Array.from({ length: 37 }, (_, at) => (at * 7) % 11);
let expected = 0;
for (let at = 0; at < a.length; at++) expected += a[at] * b[at];
assert.equal(dot(a, b), expected);
assert.equal(dot(new Float32Array(0), new Float32Array(0)), 0);

const rows = Float32Array.of(10, 10, 1, 0, 0, 1);
assert.equal(nearest(rows, Float32Array.of(0.9, 0.2), Metric.Distance), 1);
assert.equal(nearest(rows, Float32Array.of(0.9, 0.2), Metric.Dot), 0);
assert.throws(() => dot(Float32Array.of(1), Float32Array.of(1, 2)));
