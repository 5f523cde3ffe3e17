"use strict";
// What was recorded: times in ns since the beginning, NaN where they are not known.
const report = JSON.parse(document.getElementById("data").textContent);
const COUNT = report.lives.pid.length;
const NONE = -1;

const element = (id) => document.getElementById(id);

// Text of traced processes goes into the page as text, never as markup.
function make(kind, text, ...classes) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (classes.length) made.classList.add(...classes);
  return made;
}

const lives = (() => {
  const from = report.lives;
  const at = {};
  const stages = ["born", "exec", "exited", "zombie", "reaped"];
  for (const stage of stages) at[stage] = new Float64Array(COUNT).fill(NaN);
  at.parent = new Int32Array(COUNT).fill(NONE);
  at.first = new Int32Array(COUNT).fill(NONE);
  at.sibling = new Int32Array(COUNT).fill(NONE);
  let born = 0;
  for (let life = 0; life < COUNT; life++) {
    born += from.born[life];
    at.born[life] = born;
    let time = born;
    for (const stage of stages.slice(1)) {
      const later = from[stage][life];
      if (later !== null) at[stage][life] = time += later;
    }
    const parent = from.parent[life] === null ? null : report.peers[from.parent[life]][2];
    if (parent !== null) at.parent[life] = parent;
  }
  for (let life = COUNT - 1; life >= 0; life--) {
    const parent = at.parent[life];
    if (parent === NONE) continue;
    at.sibling[life] = at.first[parent];
    at.first[parent] = life;
  }
  return at;
})();

const END = Math.max(report.end, 1000);
const known = (time, otherwise) => (Number.isNaN(time) ? otherwise : time);
const isKnown = (time) => !Number.isNaN(time);
const goneAt = (life) => known(lives.reaped[life], END);
// Where its last thread left, or the next thing that is known.
const deathOf = (life) => known(lives.exited[life], known(lives.zombie[life], goneAt(life)));
// From its start, which the kernel sets (copy_process, Linux 6.12) before the fork is told (kernel_clone).
const lifetime = (life) => deathOf(life) - lives.born[life] + (report.lives.longer[life] ?? 0);
const existed = (life) => (report.lives.flags[life] & 1) !== 0;
const isExact = (life) => (report.lives.flags[life] & 2) !== 0;

function zombieTime(life) {
  const told = report.lives.ztime[life];
  if (told !== null) return told;
  return isKnown(lives.zombie[life]) ? goneAt(life) - lives.zombie[life] : 0;
}

const text = (number) => (number === null ? null : report.strings[number]);
const nameOf = (life) => text(report.lives.name[life]) ?? "?";
const processOf = (life) => `${nameOf(life)} (${report.lives.pid[life]})`;
const commandOf = (life) => text(report.lives.command[life]);
const peer = (number) => (number === null ? null : report.peers[number]);
const parentOf = (life) => peer(report.lives.parent[life]);

// Three significant digits and a unit, as the text report has them.
function duration(ns) {
  if (ns < 0) return `-${duration(-ns)}`;
  if (ns < 1e3) return `${ns}ns`;
  for (const [unit, name] of [[1e3, "µs"], [1e6, "ms"], [1e9, "s"]]) {
    const value = ns / unit;
    if (value < (name === "s" ? 60 : 1000)) return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + name;
  }
  const pad = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(ns / 60e9);
  if (minutes < 60) return `${minutes}m${pad(Math.floor(ns / 1e9) % 60)}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

// Since the beginning, to the microsecond.
function since(ns) {
  const sign = ns < 0 ? "−" : "+";
  const micros = Math.round(Math.abs(ns) / 1000);
  const seconds = Math.floor(micros / 1e6);
  const rest = (seconds % 60) + (micros % 1e6) / 1e6;
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${sign}${minutes} min ${rest.toFixed(6)} s` : `${sign}${rest.toFixed(6)} s`;
}

// By the calendar.
function absolute(ns) {
  const [second, nanos] = report.began;
  const micros = Math.floor((nanos + ns) / 1000);
  const date = new Date((second + Math.floor(micros / 1e6)) * 1000);
  if (Number.isNaN(date.getTime())) return "";
  const fraction = String(((micros % 1e6) + 1e6) % 1e6).padStart(6, "0");
  return `${date.toISOString().slice(0, 19).replace("T", " ")}.${fraction} UTC`;
}

function statusOf(life) {
  const status = report.lives.status[life];
  if (status === null) return deathOf(life) < END ? "ended" : null;
  return typeof status === "number" ? `exit ${status}` : status;
}

// What it is at a time.
function stateAt(life, time) {
  if (time < lives.born[life]) return "not born yet";
  if (time < deathOf(life)) return "alive";
  if (isKnown(lives.zombie[life]) && time >= lives.zombie[life]) return time < goneAt(life) ? "zombie" : "gone";
  return time < goneAt(life) ? "tearing down" : "gone";
}
