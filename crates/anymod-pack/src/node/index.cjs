'use strict';
const fs = require('fs');

const addon = @TABLE@;

// The usual case and nothing else: whole files in the usual places, for this processor. Whatever is not so is left to
// `loader.cjs`, which looks everywhere and says what is wrong.
function usual() {
  const { env, platform: system, arch, versions } = process;
  const platform = `${system}-${arch}`;
  const files = addon.files[platform];
  if (env.ANYMOD_VARIANT || env[addon.override] || addon.bundled || !files) return undefined;
  // A bundler puts the payload in; beside this file it is there only after `anymod embed`.
  if (fs.existsSync(`${addon.directory}/embedded.cjs`)) return undefined;
  // With files for both C libraries, a machine that has the other one is not the usual case.
  const both = addon.files[`${platform}-musl`];
  if (both && fs.existsSync(`/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`)) return undefined;
  const { file, leaf } = addon.probes[platform];
  let probe = `${addon.directory}/${file}`;
  if (leaf && !fs.existsSync(probe)) probe = addon.resolve(leaf);
  if (!isProbe(fs.readFileSync(probe), `anymod-probe\0${addon.probe}\0${platform}\0\0`)) return undefined;
  const { level, fits, glibc } = open(probe);
  if (!fits || (both && !glibc)) return undefined;
  const best = files.find((candidate) => candidate.level <= level);
  const path = probe.slice(0, -file.length) + best.place.file;
  const texts = `${addon.name}\0${addon.version}\0${platform}\0${best.variant}\0`;
  return fits(path, texts, +versions.napi) ? { exports: open(path) } : undefined;
}

function open(file) {
  const loaded = { exports: {} };
  process.dlopen(loaded, file);
  return loaded.exports;
}

// True if it has these texts in its identity, and the sum that it says: FNV-1a of words of 32 bits.
function isProbe(bytes, texts) {
  const head = bytes.latin1Slice(0, 2048);
  const at = head.indexOf('anymodID');
  if (at < 0 || (at | bytes.length) & 3 || !head.startsWith(texts, at + 136)) return false;
  // Signed, because only these are small integers all of them.
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const own = at >>> 2;
  const expected = words[own + 7];
  if (words[own + 2] !== 1 || words[own + 6] !== 0) return false;
  words.fill(0, own + 7, own + 18);
  let sum = 0x811c9dc5 | 0;
  for (let index = 0; index < words.length; index++) sum = Math.imul(sum ^ words[index], 0x01000193);
  return sum === expected;
}

let found;
try {
  found = usual();
} catch {
  // The other one says why.
}
module.exports = found ? found.exports : require('./loader.cjs')(addon);
