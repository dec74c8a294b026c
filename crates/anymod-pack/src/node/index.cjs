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
  const file = `anymod-probe.${platform}.node`;
  let probe = `${addon.directory}/${file}`;
  if (!fs.existsSync(probe)) probe = addon.resolve(`${addon.package}-${platform}/${file}`);
  if (!isProbe(probe, `anymod-probe\0${addon.probe}\0${platform}\0\0`)) return undefined;
  const directory = probe.slice(0, -file.length);
  let asked = `${versions.napi}\0`;
  for (const { variant, level, file } of files) {
    asked += `${level}\0${directory}${file}\0${addon.name}\0${addon.version}\0${platform}\0${variant}\0`;
  }
  const best = files[open(probe, { asked })];
  return best && { exports: open(directory + best.file, {}) };
}

function open(file, exports) {
  const loaded = { exports };
  process.dlopen(loaded, file);
  return loaded.exports;
}

// True if it has these texts in its identity, and the sum that it says: all of it as one number, modulo a prime. No other way
// to sum up so few bytes is as fast where nothing is compiled yet, and neither is any other way to read them.
function isProbe(file, texts) {
  const bytes = new Uint8Array(8192);
  const opened = fs.openSync(file);
  const length = fs.readvSync(opened, [bytes]);
  fs.closeSync(opened);
  const { hexSlice, latin1Slice } = Buffer.prototype;
  const head = latin1Slice.call(bytes, 0, 2048);
  const at = head.indexOf('anymodID');
  // Of what is longer, or leaves out parts, only the beginning would be summed up.
  if (at < 0 || length === bytes.length || bytes[at + 24] || !head.startsWith(texts, at + 136)) return false;
  const expected = new DataView(bytes.buffer).getUint32(at + 28, true);
  bytes.fill(0, at + 28, at + 72);
  return bytes[at + 8] === 2 && BigInt(`0x${hexSlice.call(bytes, 0, length)}`) % 4294967291n === BigInt(expected);
}

let found;
try {
  found = usual();
} catch {
  // The other one says why.
}
module.exports = found ? found.exports : require('./loader.cjs')(addon);
