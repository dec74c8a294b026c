// Made by anymod: what `index.cjs` leaves to it. Looks for an addon in every place, refuses what is not whole or something else
// before it is loaded, and says what is wrong.
'use strict';
const fs = require('fs');

const MAGIC = 0x4449646f6d796e61n;
const ENDLESS = 0xffffffffffffffffn;

class Refused extends Error {}

function refuse(why, mend) {
  throw new Refused(mend ? `${why}; ${mend}` : why);
}

// The C library of this process, told by the program interpreter that its executable names.
function isMusl() {
  const file = fs.openSync(process.execPath, 'r');
  try {
    const head = Buffer.alloc(4096);
    const length = fs.readSync(file, head, 0, head.length, 0);
    const at = Number(head.readBigUInt64LE(32));
    for (let index = 0, count = head.readUInt16LE(56); index < count; index++) {
      const entry = at + index * 56;
      if (entry + 56 > length) break;
      if (head.readUInt32LE(entry) !== 3) continue;
      const name = Buffer.alloc(Math.min(Number(head.readBigUInt64LE(entry + 32)), 512));
      fs.readSync(file, name, 0, name.length, Number(head.readBigUInt64LE(entry + 8)));
      return name.includes('musl');
    }
    return false;
  } finally {
    fs.closeSync(file);
  }
}

// The C library matters only if there are files for both, or for the other one alone.
function platform(files) {
  const name = `${process.platform}-${process.arch}`;
  if (!files[`${name}-musl`]) return name;
  try {
    return isMusl() ? `${name}-musl` : name;
  } catch {
    return name;
  }
}

const ARCHITECTURES = {
  elf: { 62: 'x64', 183: 'arm64' },
  macho: { 0x01000007: 'x64', 0x0100000c: 'arm64' },
  pe: { 0x8664: 'x64', 0xaa64: 'arm64' },
};

function spells(file, at, text) {
  for (let index = 0; index < text.length; index++) {
    if (file.getUint8(at + index) !== text.charCodeAt(index)) return false;
  }
  return true;
}

// Where the identity is in a library of each format; -1 if it has none. Numbers outside of the file throw.
function inElf(file) {
  const at = Number(file.getBigUint64(32, true));
  for (let index = 0, count = file.getUint16(56, true); index < count; index++) {
    const entry = at + index * 56;
    if (file.getUint32(entry, true) !== 4) continue;
    let note = Number(file.getBigUint64(entry + 8, true));
    const end = note + Number(file.getBigUint64(entry + 32, true));
    while (note + 12 <= end) {
      const name = note + 12;
      const content = name + ((file.getUint32(note, true) + 3) & ~3);
      if (spells(file, name, 'anymod\0')) return content;
      note = content + ((file.getUint32(note + 4, true) + 3) & ~3);
    }
  }
  return -1;
}

function inMacho(file) {
  let found = -1;
  let signed = 0;
  for (let index = 0, at = 32, count = file.getUint32(16, true); index < count; index++) {
    const kind = file.getUint32(at, true);
    if (kind === 0x19) {
      for (let section = 0, all = file.getUint32(at + 64, true); section < all; section++) {
        const entry = at + 72 + section * 80;
        if (spells(file, entry, '__anymod\0')) found = file.getUint32(entry + 48, true);
      }
    } else if (kind === 0x1d) {
      signed = file.getUint32(at + 8, true) + file.getUint32(at + 12, true);
    }
    const size = file.getUint32(at + 4, true);
    if (size < 8) return -1;
    at += size;
  }
  // The signature is not among what the sums cover.
  return signed > file.byteLength ? -1 : found;
}

function inPe(file) {
  const headers = file.getUint32(0x3c, true);
  const sections = headers + 24 + file.getUint16(headers + 20, true);
  for (let index = 0, count = file.getUint16(headers + 6, true); index < count; index++) {
    const entry = sections + index * 40;
    if (spells(file, entry, '.anymod\0')) return file.getUint32(entry + 20, true);
  }
  return -1;
}

function locate(file) {
  const magic = file.byteLength < 64 ? 0 : file.getUint32(0);
  if (magic === 0x7f454c46) return ['linux', ARCHITECTURES.elf[file.getUint16(18, true)], inElf];
  if (magic === 0xcffaedfe) return ['darwin', ARCHITECTURES.macho[file.getUint32(4, true)], inMacho];
  if (magic >>> 16 === 0x4d5a) {
    const headers = file.getUint32(0x3c, true);
    return ['win32', ARCHITECTURES.pe[file.getUint16(headers + 4, true)], inPe];
  }
  return refuse('it is no library', 'it may be cut short: build or install it again');
}

function readIdentity(bytes) {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [system, architecture, find] = locate(file);
  if (system !== process.platform || architecture !== process.arch) {
    const what = `${system}-${architecture || 'another processor'}`;
    refuse(`it is for ${what}, and this is ${process.platform}-${process.arch}`, 'install the one for this platform');
  }
  const at = find(file);
  if (at < 0) refuse('it has no identity', 'it was not made by anymod, or it is cut short');
  if (file.getBigUint64(at, true) !== MAGIC || file.getUint32(at + 8, true) !== 2) {
    refuse('its identity cannot be read', 'it is damaged, or made by another version of anymod');
  }
  const end = at + file.getUint32(at + 12, true);
  const texts = bytes.toString('utf8', at + 136, end).split('\0');
  return { at, file, bytes, napi: file.getUint32(at + 16, true), texts };
}

// What the sums are of: the file without what they leave out, which becomes zeros.
function covered({ file, bytes, at }) {
  let length = bytes.length;
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, length);
  const ranges = [[BigInt(at + 28), 44n]];
  for (let index = 0, count = file.getUint32(at + 24, true); index < count; index++) {
    const range = at + 72 + index * 16;
    ranges.push([file.getBigUint64(range, true), file.getBigUint64(range + 8, true)]);
  }
  for (const [from, size] of ranges) {
    if (size === ENDLESS) length = Math.min(length, Number(from));
    else plain.fill(0, Number(from), Number(from + size));
  }
  return bytes.subarray(0, length);
}

// The small sum, enough for the probe, which has the other one: the whole as one number, modulo the greatest prime of 32 bits.
function small(identity) {
  const expected = identity.file.getUint32(identity.at + 28, true);
  return BigInt(`0x${covered(identity).toString('hex')}`) % 4294967291n === BigInt(expected);
}

// Loads the first of the places of a file that holds what is wanted; what was refused goes to `tried`.
function first(addon, name, wanted, probe, tried) {
  for (const [file, why, fresh] of places(addon, name, probe)) {
    try {
      if (why) refuse(why);
      // What was unpacked just now was summed up on the way.
      if (!fresh) check(file, wanted, probe);
      return open(file);
    } catch (error) {
      tried.push([file, error.message]);
    }
  }
  return undefined;
}

// Refuses a file unless it is what is wanted, whole, and for this process. The probe has no other one to sum it up.
function check(name, wanted, probe) {
  const texts = [wanted.name, wanted.version, wanted.platform, wanted.variant, ''].join('\0');
  if (probe && probe.fits && probe.fits(name, texts, +process.versions.napi)) return;
  let file;
  try {
    file = fs.readFileSync(name);
  } catch (error) {
    if (error.code === 'ENOENT') refuse('there is no such file');
    refuse(`it cannot be read: ${error.message}`);
  }
  let identity;
  try {
    identity = readIdentity(file);
  } catch (error) {
    if (error instanceof Refused) throw error;
    refuse('it is cut short or damaged', 'build or install it again');
  }
  const [own, version, built, variant] = identity.texts;
  if (own !== wanted.name) refuse(`it is \`${own}\` and not \`${wanted.name}\``, 'a file was renamed or overwritten');
  if (version !== wanted.version) {
    refuse(`it is version ${version}, and ${wanted.version} is wanted`, 'build or install it again');
  }
  if (built !== wanted.platform) refuse(`it is for ${built}, and this is ${wanted.platform}`);
  if (variant !== wanted.variant) {
    refuse(`it is the variant \`${variant}\` and not \`${wanted.variant}\``, 'a file was renamed or overwritten');
  }
  if (identity.napi > Number(process.versions.napi)) {
    refuse(`it needs Node-API ${identity.napi}, and this has ${process.versions.napi}`, 'use a newer Node.js');
  }
  let whole = false;
  try {
    whole = probe ? identity.file.getBigUint64(identity.at + 64, true) === probe.sum(covered(identity)) : small(identity);
  } catch {
    // What throws is not whole.
  }
  if (!whole) refuse('its content is not what was built', 'it is damaged: build or install it again');
}

function open(file) {
  const loaded = { exports: {} };
  try {
    process.dlopen(loaded, file);
  } catch (error) {
    if (!/failed to map|not permitted/.test(error.message)) throw error;
    refuse(error.message, 'its directory may forbid that files are run (noexec)');
  }
  return loaded.exports;
}

// Every place of a file, best first; or why there is none.
function* places(addon, file, probe) {
  // A bundler's module is in no file of its own; beside one that is, the payload is there only after `anymod embed`.
  if (addon.bundled || fs.existsSync(`${addon.directory}/embedded.cjs`)) {
    const embedded = addon.embedded();
    if (embedded) yield* embedded.places(file, addon.version, addon.platform, probe);
  }
  // The usual place; `path` is for those after it.
  yield [`${addon.directory}/${file}`];
  const leaf = `${addon.package}-${addon.platform}/${file}`;
  try {
    yield [addon.resolve(leaf)];
  } catch {
    yield [leaf, 'the package is not installed; it is an optional dependency'];
  }
  const path = require('path');
  yield [path.join(path.dirname(process.execPath), file)];
}

function refusals(addon, why, tried) {
  const lines = tried.map(([file, message]) => `\n  ${file}: ${message}`);
  const error = new Error(`cannot load \`${addon.name}\` ${addon.version} on ${addon.platform}: ${why}${lines.join('')}`);
  error.code = 'ERR_ANYMOD_LOAD';
  return error;
}

// The same if nothing could be loaded: the cause is what is wrong with a file that is there.
function nothing(addon, tried) {
  const found = tried.find(([, message]) => !/^there is no such file|^the package is not installed/.test(message));
  return refusals(addon, found ? `${require('path').basename(found[0])}: ${found[1]}` : 'there is no file for it', tried);
}

function candidates(addon, level) {
  const all = addon.files[addon.platform];
  const named = process.env.ANYMOD_VARIANT;
  const variants = all.filter((candidate) => candidate.variant).map((candidate) => candidate.variant);
  if (named && variants.length) {
    if (!variants.includes(named)) {
      throw refusals(addon, `ANYMOD_VARIANT is \`${named}\`, and there are ${variants.join(', ')}`, []);
    }
    return all.filter((candidate) => candidate.variant === named);
  }
  const fit = all.filter((candidate) => candidate.level <= level);
  if (!fit.length) {
    const lowest = all[all.length - 1].level;
    throw refusals(addon, `the processor is of level x86-64-v${level}, and x86-64-v${lowest} is needed`, []);
  }
  return fit;
}

module.exports = function load(addon) {
  addon.platform = platform(addon.files);
  if (!addon.files[addon.platform]) {
    throw refusals(addon, `it is built for ${Object.keys(addon.files).join(', ')}`, []);
  }
  const tried = [];
  const probed = { name: 'anymod-probe', version: addon.probe, platform: addon.platform, variant: '' };
  // It tells how far this processor goes among the levels of x86-64, and has the sum that is too much for JavaScript.
  const probe = first(addon, `anymod-probe.${addon.platform}.node`, probed, undefined, tried);
  if (!probe) throw nothing(addon, tried);
  const wanted = { name: addon.name, version: addon.version, platform: addon.platform };
  const override = process.env[addon.override];
  if (override) {
    const file = require('path').resolve(override);
    for (const { variant } of addon.files[addon.platform]) {
      try {
        check(file, { ...wanted, variant }, probe);
        return open(file);
      } catch (error) {
        tried.push([file, error.message]);
      }
    }
    throw refusals(addon, `${addon.override} names a file that cannot be loaded`, tried.slice(-1));
  }
  for (const { variant, file } of candidates(addon, probe.level)) {
    const found = first(addon, file, { ...wanted, variant }, probe, tried);
    if (found) return found;
  }
  throw nothing(addon, tried);
};
