'use strict';
const fs = require('fs');
const path = require('path');

// XXH64 over a part of memory: exports `memory` and `xxh64(length)` of what begins at address 0.
const CHECK = '@CHECK@';
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

// Where the identity is in a library of each format; -1 if it has none. Numbers outside of the file throw.
function inElf(file) {
  const at = Number(file.readBigUInt64LE(32));
  for (let index = 0, count = file.readUInt16LE(56); index < count; index++) {
    const entry = at + index * 56;
    if (file.readUInt32LE(entry) !== 4) continue;
    let note = Number(file.readBigUInt64LE(entry + 8));
    const end = note + Number(file.readBigUInt64LE(entry + 32));
    while (note + 12 <= end) {
      const name = note + 12;
      const content = name + ((file.readUInt32LE(note) + 3) & ~3);
      if (file.toString('latin1', name, name + 7) === 'anymod\0') return content;
      note = content + ((file.readUInt32LE(note + 4) + 3) & ~3);
    }
  }
  return -1;
}

function inMacho(file) {
  let found = -1;
  let signed = 0;
  for (let index = 0, at = 32, count = file.readUInt32LE(16); index < count; index++) {
    const kind = file.readUInt32LE(at);
    if (kind === 0x19) {
      for (let section = 0, all = file.readUInt32LE(at + 64); section < all; section++) {
        const entry = at + 72 + section * 80;
        if (file.toString('latin1', entry, entry + 9) === '__anymod\0') found = file.readUInt32LE(entry + 48);
      }
    } else if (kind === 0x1d) {
      signed = file.readUInt32LE(at + 8) + file.readUInt32LE(at + 12);
    }
    at += file.readUInt32LE(at + 4);
  }
  // The signature is not among what the sums cover.
  return signed > file.length ? -1 : found;
}

function inPe(file) {
  const headers = file.readUInt32LE(0x3c);
  const sections = headers + 24 + file.readUInt16LE(headers + 20);
  for (let index = 0, count = file.readUInt16LE(headers + 6); index < count; index++) {
    const entry = sections + index * 40;
    if (file.toString('latin1', entry, entry + 8) === '.anymod\0') return file.readUInt32LE(entry + 20);
  }
  return -1;
}

function locate(file) {
  const magic = file.length < 64 ? 0 : file.readUInt32BE(0);
  if (magic === 0x7f454c46) return ['linux', ARCHITECTURES.elf[file.readUInt16LE(18)], inElf];
  if (magic === 0xcffaedfe) return ['darwin', ARCHITECTURES.macho[file.readUInt32LE(4)], inMacho];
  if (magic >>> 16 === 0x4d5a) {
    const headers = file.readUInt32LE(0x3c);
    return ['win32', ARCHITECTURES.pe[file.readUInt16LE(headers + 4)], inPe];
  }
  return refuse('it is no library', 'it may be cut short: build or install it again');
}

function readIdentity(file) {
  const [system, architecture, find] = locate(file);
  if (system !== process.platform || architecture !== process.arch) {
    const what = `${system}-${architecture || 'another processor'}`;
    refuse(`it is for ${what}, and this is ${process.platform}-${process.arch}`, 'install the one for this platform');
  }
  const at = find(file);
  if (at < 0) refuse('it has no identity', 'it was not made by anymod, or it is cut short');
  if (file.readBigUInt64LE(at) !== MAGIC || file.readUInt32LE(at + 8) !== 1) {
    refuse('its identity cannot be read', 'it is damaged, or made by another version of anymod');
  }
  const end = at + file.readUInt32LE(at + 12);
  const texts = file.toString('utf8', at + 136, end).split('\0');
  return { at, napi: file.readUInt32LE(at + 16), level: file.readUInt32LE(at + 20), texts };
}

let sum;
// True if the content is what the identity says. The file is changed: what the sums leave out becomes zeros.
function isWhole(file, at) {
  const expected = file.readBigUInt64LE(at + 64);
  let length = file.length;
  const ranges = [[BigInt(at + 32), 40n]];
  for (let index = 0, count = file.readUInt32LE(at + 24); index < count; index++) {
    const range = at + 72 + index * 16;
    ranges.push([file.readBigUInt64LE(range), file.readBigUInt64LE(range + 8)]);
  }
  for (const [from, size] of ranges) {
    if (size === ENDLESS) length = Math.min(length, Number(from));
    else file.fill(0, Number(from), Number(from + size));
  }
  if (!sum) sum = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(CHECK, 'base64'))).exports;
  const missing = length + 32 - sum.memory.buffer.byteLength;
  if (missing > 0) sum.memory.grow(Math.ceil(missing / 65536));
  new Uint8Array(sum.memory.buffer).set(file.subarray(0, length));
  return BigInt.asUintN(64, sum.xxh64(length)) === expected;
}

// Loads the first of the places of a file that holds what is wanted; what was refused goes to `tried`.
function first(addon, place, wanted, tried) {
  for (const [file, from] of places(addon, place)) {
    try {
      if (!from) refuse('the package is not installed', 'it is an optional dependency');
      check(file, wanted);
      return { exports: from() };
    } catch (error) {
      tried.push([file, error.message]);
    }
  }
  return undefined;
}

// Reads a file and refuses it unless it is what is wanted, whole, and for this process.
function check(name, wanted) {
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
    whole = isWhole(file, identity.at);
  } catch {
    // What throws is not whole.
  }
  if (!whole) refuse('its content is not what was built', 'it is damaged: build or install it again');
}

// How far this processor goes among the levels of x86-64, asked of the processor itself.
function level(addon, tried) {
  const probe = addon.probes[addon.platform];
  if (!probe) return 4;
  const wanted = { name: 'anymod-cpu', version: addon.probe, platform: addon.platform, variant: '' };
  const found = first(addon, probe, wanted, tried);
  return found ? found.exports : 0;
}

function open(file) {
  const loaded = { exports: {} };
  process.dlopen(loaded, file);
  return loaded.exports;
}

// Every place of a file, best first, each with how it is loaded from there.
function* places(addon, [name, local, leaf]) {
  yield [path.join(addon.directory, name), local];
  if (leaf) {
    let file;
    try {
      file = addon.resolve(leaf.name);
    } catch {
      file = undefined;
    }
    if (file) yield [file, leaf.load];
    else yield [leaf.name, undefined];
  }
  const beside = path.join(path.dirname(process.execPath), name);
  yield [beside, () => open(beside)];
}

function refusals(addon, why, tried) {
  const lines = tried.map(([file, message]) => `\n  ${file}: ${message}`);
  const error = new Error(`cannot load \`${addon.name}\` ${addon.version} on ${addon.platform}: ${why}${lines.join('')}`);
  error.code = 'ERR_ANYMOD_LOAD';
  return error;
}

function candidates(addon, tried) {
  const all = addon.files[addon.platform];
  if (!all) {
    const known = Object.keys(addon.files).join(', ');
    throw refusals(addon, `it is built for ${known}`, tried);
  }
  const named = process.env.ANYMOD_VARIANT;
  const variants = all.filter((candidate) => candidate.variant).map((candidate) => candidate.variant);
  if (named && variants.length) {
    if (!variants.includes(named)) {
      throw refusals(addon, `ANYMOD_VARIANT is \`${named}\`, and there are ${variants.join(', ')}`, tried);
    }
    return all.filter((candidate) => candidate.variant === named);
  }
  if (!all.some((candidate) => candidate.level > 1)) return all;
  const able = level(addon, tried);
  const fit = all.filter((candidate) => candidate.level <= able);
  if (!fit.length && !tried.length) {
    const lowest = all[all.length - 1].level;
    throw refusals(addon, `the processor is of level x86-64-v${able}, and x86-64-v${lowest} is needed`, tried);
  }
  return fit;
}

function load(addon) {
  addon.platform = platform(addon.files);
  const tried = [];
  const wanted = { name: addon.name, version: addon.version, platform: addon.platform };
  const override = process.env[addon.override];
  if (override) {
    const file = path.resolve(override);
    for (const { variant } of addon.files[addon.platform] || []) {
      try {
        check(file, { ...wanted, variant });
        return open(file);
      } catch (error) {
        tried.push([file, error.message]);
      }
    }
    throw refusals(addon, `${addon.override} names a file that cannot be loaded`, tried.slice(-1));
  }
  for (const { variant, place } of candidates(addon, tried)) {
    const found = first(addon, place, { ...wanted, variant }, tried);
    if (found) return found.exports;
  }
  const found = tried.find(([, message]) => !/no such file|not installed/.test(message));
  throw refusals(addon, found ? `${path.basename(found[0])}: ${found[1]}` : 'there is no file for it', tried);
}

module.exports = load(@TABLE@);
