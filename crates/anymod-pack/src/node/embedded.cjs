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

// Parts between two signs of life to others who wait.
const BATCH = 16;

let opened;
// The archive: what is in the executable, or the path of the file beside this one.
function archive() {
  if (opened === undefined) opened = @OPEN@;
  return opened;
}

function read(offset, length) {
  const from = archive();
  if (typeof from === 'object') return from.subarray(offset, offset + length);
  const file = fs.openSync(from, 'r');
  try {
    const bytes = Buffer.alloc(length);
    fs.readSync(file, bytes, 0, length, offset);
    return bytes;
  } finally {
    fs.closeSync(file);
  }
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
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  } finally {
    remove(own);
  }
}

// What killed processes left.
function clear(directory) {
  for (const name of fs.readdirSync(directory)) {
    const file = path.join(directory, name);
    const left = /\.(\d+)\.\d+(\.tmp)+$/.exec(name);
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

function renew(lock) {
  const now = new Date();
  if (fs.existsSync(lock)) fs.utimesSync(lock, now, now);
}

// A part at a time, in JavaScript: zlib compares the sum of what it unpacks.
function copy(entry, output, lock) {
  let at = START + entry.offset;
  for (const { packed } of entry.parts) {
    let bytes = read(at, packed);
    if (entry.encoding === 'gzip') bytes = require('zlib').gunzipSync(bytes);
    for (let done = 0; done < bytes.length; ) done += fs.writeSync(output, bytes, done);
    at += packed;
    renew(lock);
  }
}

// The same by the probe, which compares the sum of every part before it writes it.
function unpack(entry, aside, lock, probe) {
  if (!probe || !probe.unpack) throw new Error('what unpacks it is not the one that is embedded');
  const base = entry.base && held(entry.base, aside, lock, probe);
  let at = START + entry.offset;
  let to = 0;
  for (let index = 0; index < entry.parts.length; index += BATCH) {
    const numbers = [BigInt(to)];
    for (const { packed, plain, sum } of entry.parts.slice(index, index + BATCH)) {
      numbers.push(BigInt(at), BigInt(packed), BigInt(plain), BigInt(`0x${sum}`));
      at += packed;
      to += plain;
    }
    const wrong = probe.unpack(archive(), BigUint64Array.from(numbers), aside, base);
    if (wrong) throw new Error(wrong);
    renew(lock);
  }
}

// What another file is a difference to.
function held(name, aside, lock, probe) {
  const base = `${aside}.tmp`;
  const entry = INDEX.files.find((file) => file.file === name);
  try {
    fs.closeSync(fs.openSync(base, 'wx', 0o600));
    unpack(entry, base, lock, probe);
    return fs.readFileSync(base);
  } finally {
    remove(base);
  }
}

// Nothing is forced to the disk: every later load sums the file up, and one that is not whole is written again.
function write(entry, file, lock, probe) {
  const aside = temporary(file);
  const output = fs.openSync(aside, 'wx', 0o700);
  try {
    try {
      if (entry.encoding !== 'zstd') copy(entry, output, lock);
    } finally {
      fs.closeSync(output);
    }
    if (entry.encoding === 'zstd') unpack(entry, aside, lock, probe);
    fs.renameSync(aside, file);
  } catch (error) {
    remove(aside);
    throw error;
  }
}

// Extracts a file that is not there; true if it did, and summed it up.
function extract(entry, directory, file, probe) {
  if (fs.existsSync(file)) {
    const now = new Date();
    // When it was used last, for whoever prunes.
    if (now - fs.statSync(directory).mtimeMs > DAY) fs.utimesSync(directory, now, now);
    return false;
  }
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = `${file}.lock`;
  if (!take(lock, file)) return false;
  try {
    clear(directory);
    write(entry, file, lock, probe);
  } finally {
    remove(lock);
  }
  prune(path.dirname(directory), directory);
  return entry.encoding !== 'stored';
}

// The directories below which files may be put, best first, each with whether others can write beside it.
function* bases() {
  const { ANYMOD_EXTRACT_DIR, LOCALAPPDATA, XDG_CACHE_HOME, XDG_RUNTIME_DIR, HOME } = process.env;
  if (ANYMOD_EXTRACT_DIR) {
    yield [path.resolve(ANYMOD_EXTRACT_DIR), false];
    return;
  }
  const below = (directory, ...rest) => directory && path.isAbsolute(directory) && path.join(directory, ...rest);
  const usual = {
    win32: () => below(LOCALAPPDATA, 'anymod'),
    darwin: () => below(HOME, 'Library', 'Caches', 'anymod'),
    linux: () => below(XDG_CACHE_HOME, 'anymod') || below(HOME, '.cache', 'anymod'),
  }[process.platform]();
  if (usual) yield [usual, false];
  const temporaries = [require('os').tmpdir()];
  const shared = process.platform === 'linux' ? [XDG_RUNTIME_DIR, ...temporaries, '/var/tmp', '/dev/shm'] : temporaries;
  const own = `anymod-${process.getuid ? process.getuid() : 'addons'}`;
  for (const directory of shared.map((directory) => below(directory, own))) if (directory) yield [directory, true];
}

// In a directory for everyone, ours has to be ours alone.
function claim(base) {
  fs.mkdirSync(base, { recursive: true, mode: 0o700 });
  const found = fs.lstatSync(base);
  const ours = !process.getuid || (found.uid === process.getuid() && !(found.mode & 0o022));
  if (!found.isDirectory() || !ours) throw new Error(`${base} belongs to someone else`);
}

// Every place that a file was extracted to, with whether that was just now; or why it was not.
function* places(name, version, platform, probe) {
  const entry = INDEX.files.find((file) => file.file === name);
  if (INDEX.version !== version || INDEX.platform !== platform || !entry) {
    const what = `\`${INDEX.name}\` ${INDEX.version} for ${INDEX.platform} is embedded`;
    yield [ARCHIVE, `${what}, and \`${name}\` of ${version} is not in it; run \`anymod embed\` again`];
    return;
  }
  for (const [base, shared] of bases()) {
    const directory = path.join(base, 'addons', INDEX.name, `${version}-${INDEX.digest}`);
    const file = path.join(directory, name);
    // Twice if what was there is refused.
    for (const again of [false, true]) {
      let fresh;
      try {
        const there = fs.existsSync(file);
        if (again) remove(file);
        if (shared) claim(base);
        fresh = extract(entry, directory, file, probe);
        yield [file, undefined, fresh];
        if (!there || fresh) break;
      } catch (error) {
        yield [file, `it cannot be extracted there: ${error.message}; ANYMOD_EXTRACT_DIR can name another directory`];
        break;
      }
    }
  }
}

module.exports = { places };
