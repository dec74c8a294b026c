'use strict';
const fs = require('fs');
const path = require('path');

const INDEX = @INDEX@;
const ARCHIVE = @ARCHIVE@;
// Where the parts begin in the archive.
const START = @START@;

const DAY = 86400000;
// Other versions that nobody has used for so long go.
const GRACE = 30 * DAY;
// A holder of the lock that says nothing for so long is gone, even if its number is another process now.
const SILENCE = 10000;

let archive;
// A part of the archive: in the executable, or in the file beside this one.
function read(offset, length) {
  if (archive === undefined) archive = @OPEN@;
  if (typeof archive === 'object') return archive.subarray(offset, offset + length);
  const file = fs.openSync(archive, 'r');
  try {
    const bytes = Buffer.alloc(length);
    fs.readSync(file, bytes, 0, length, offset);
    return bytes;
  } finally {
    fs.closeSync(file);
  }
}

function unpack(bytes) {
  const zlib = require('zlib');
  if (INDEX.encoding === 'gzip') return zlib.gunzipSync(bytes);
  if (zlib.zstdDecompressSync) return zlib.zstdDecompressSync(bytes);
  throw new Error('this Node.js has no zstd: embed with `--compression gzip`');
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isStale(lock) {
  try {
    const silent = Date.now() - fs.statSync(lock).mtimeMs;
    return silent > SILENCE || !isAlive(Number(fs.readFileSync(lock, 'utf8')));
  } catch {
    return false;
  }
}

function remove(file) {
  try {
    fs.unlinkSync(file);
  } catch {
    // Someone else did.
  }
}

function temporary(file) {
  return `${file}.${process.pid}.${process.hrtime.bigint()}.tmp`;
}

// Takes a lock away from a process that is gone, and gives it back if someone alive took it in between.
function breakLock(lock) {
  const aside = temporary(lock);
  try {
    fs.renameSync(lock, aside);
    if (!isStale(aside)) fs.linkSync(aside, lock);
  } catch {
    // Someone else was faster.
  }
  remove(aside);
}

// Waits for the lock of a file; false if the file is there instead.
function take(lock, file) {
  const own = temporary(lock);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  try {
    for (;;) {
      if (fs.existsSync(file)) return false;
      try {
        // A link is there with its content or not at all.
        fs.writeFileSync(own, String(process.pid));
        fs.linkSync(own, lock);
        if (!fs.existsSync(file)) return true;
        remove(lock);
        return false;
      } catch (error) {
        // Without links there is no lock: then several may write the same file, each aside.
        if (error.code !== 'EEXIST' && error.code !== 'ENOENT') return true;
      }
      if (isStale(lock)) breakLock(lock);
      else Atomics.wait(pause, 0, 0, 5);
    }
  } finally {
    remove(own);
  }
}

// What killed processes left.
function clear(directory) {
  for (const name of fs.readdirSync(directory)) {
    const file = path.join(directory, name);
    const left = /\.(\d+)\.\d+\.tmp$/.exec(name);
    if (left ? !isAlive(Number(left[1])) : name.endsWith('.lock') && isStale(file)) remove(file);
  }
}

function prune(versions, own) {
  for (const name of fs.readdirSync(versions)) {
    const directory = path.join(versions, name);
    try {
      const old = Date.now() - fs.statSync(directory).mtimeMs > GRACE;
      if (old && directory !== own) fs.rmSync(directory, { recursive: true, force: true });
    } catch {
      // It is in use, or somebody else's.
    }
  }
}

// Nothing is forced to the disk: every load sums the file up, and one that is not whole is written again.
function write(entry, file, lock) {
  const aside = temporary(file);
  const output = fs.openSync(aside, 'wx', 0o700);
  try {
    try {
      const sum = require('crypto').createHash('sha256');
      let at = START + entry.offset;
      for (const packed of entry.parts) {
        const bytes = unpack(read(at, packed));
        sum.update(bytes);
        for (let done = 0; done < bytes.length; ) done += fs.writeSync(output, bytes, done);
        at += packed;
        const now = new Date();
        if (fs.existsSync(lock)) fs.utimesSync(lock, now, now);
      }
      if (sum.digest('hex') !== entry.sha256) throw new Error('what is embedded is damaged');
    } finally {
      fs.closeSync(output);
    }
    fs.renameSync(aside, file);
  } catch (error) {
    remove(aside);
    throw error;
  }
}

function extract(entry, directory, file) {
  if (fs.existsSync(file)) {
    const now = new Date();
    // When it was used last, for whoever prunes.
    if (now - fs.statSync(directory).mtimeMs > DAY) fs.utimesSync(directory, now, now);
    return;
  }
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = `${file}.lock`;
  if (!take(lock, file)) return;
  try {
    clear(directory);
    write(entry, file, lock);
  } finally {
    remove(lock);
  }
  prune(path.dirname(directory), directory);
}

// The directories below which files may be put, best first, each with whether others can write beside it.
function bases() {
  const { ANYMOD_EXTRACT_DIR, LOCALAPPDATA, XDG_CACHE_HOME, XDG_RUNTIME_DIR, HOME } = process.env;
  if (ANYMOD_EXTRACT_DIR) return [[path.resolve(ANYMOD_EXTRACT_DIR), false]];
  const os = require('os');
  const below = (directory, ...rest) => directory && path.isAbsolute(directory) && path.join(directory, ...rest);
  const usual = {
    win32: () => below(LOCALAPPDATA, 'anymod'),
    darwin: () => below(HOME, 'Library', 'Caches', 'anymod'),
    linux: () => below(XDG_CACHE_HOME, 'anymod') || below(HOME, '.cache', 'anymod'),
  };
  const shared = process.platform === 'linux' ? [XDG_RUNTIME_DIR, os.tmpdir(), '/var/tmp', '/dev/shm'] : [os.tmpdir()];
  const own = `anymod-${process.getuid ? process.getuid() : 'addons'}`;
  const all = shared.map((directory) => [below(directory, own), true]);
  return [[usual[process.platform](), false], ...all].filter(([directory]) => directory);
}

// In a directory for everyone, ours has to be ours alone.
function claim(base) {
  fs.mkdirSync(base, { recursive: true, mode: 0o700 });
  const found = fs.lstatSync(base);
  const ours = !process.getuid || (found.uid === process.getuid() && !(found.mode & 0o022));
  if (!found.isDirectory() || !ours) throw new Error(`${base} belongs to someone else`);
}

function isWhole(entry, file) {
  try {
    const sum = require('crypto').createHash('sha256').update(fs.readFileSync(file));
    return sum.digest('hex') === entry.sha256;
  } catch {
    return false;
  }
}

// Every place that a file was extracted to; or why it was not.
function* places(name, version, platform) {
  const entry = INDEX.files.find((file) => file.file === name);
  if (INDEX.version !== version || INDEX.platform !== platform || !entry) {
    const what = `\`${INDEX.name}\` ${INDEX.version} for ${INDEX.platform} is embedded`;
    yield [ARCHIVE, `${what}, and \`${name}\` of ${version} is not in it; run \`anymod embed\` again`];
    return;
  }
  for (const [base, shared] of bases()) {
    const directory = path.join(base, 'addons', INDEX.name, `${version}-${INDEX.digest}`);
    const file = path.join(directory, name);
    // Twice if what is there is not whole.
    for (const again of [false, true]) {
      try {
        if (again) remove(file);
        if (shared) claim(base);
        extract(entry, directory, file);
      } catch (error) {
        yield [file, `it cannot be extracted there: ${error.message}; ANYMOD_EXTRACT_DIR can name another directory`];
        break;
      }
      yield [file];
      if (isWhole(entry, file)) break;
    }
  }
}

module.exports = { places };
