// What part of it is looked at, and which lanes those are.
const GUTTER = 230;
const AXIS = 26;
const LONG = 1e8; // A zombie of so many ns is to be seen at every zoom.
const SHORTEST = 1e3; // The least that a picture shows, ns.
const LANE = 18;

const view = { from: 0, to: END, top: 0, chosen: NONE, hovered: NONE, pointer: null };
let rows = new Int32Array(0);
const rowOf = new Int32Array(COUNT).fill(NONE);
let matches = [];
let isMatch = null;

// Lanes with something in view come and go as the view moves: the one that is looked at stays where it is.
function chooseRows() {
  const isShown = (life) => rowOf[life] >= view.top && rowOf[life] < view.top + lanesShown();
  const anchor = [view.hovered, view.chosen].find(isShown) ?? rows[Math.max(0, Math.floor(view.top))];
  const above = anchor === undefined ? 0 : rowOf[anchor] - view.top;
  const wanted = {
    view: (life) => lives.born[life] <= view.to && goneAt(life) >= view.from,
    all: () => true,
    matches: (life) => isMatch === null || isMatch[life] === 1,
    zombies: (life) => zombieTime(life) >= 1e9,
  }[element("lanes").value];
  const chosen = new Int32Array(COUNT);
  let count = 0;
  rowOf.fill(NONE);
  for (let life = 0; life < COUNT; life++) {
    if (!wanted(life)) continue;
    rowOf[life] = count;
    chosen[count++] = life;
  }
  rows = chosen.subarray(0, count);
  if (anchor === undefined) return;
  let near = anchor;
  while (near > 0 && rowOf[near] < 0) near--;
  view.top = Math.max(0, rowOf[near]) - above;
}

const stageSize = () => ({ width: element("timeline").clientWidth, height: element("timeline").clientHeight });
const lanesShown = () => Math.max(1, (stageSize().height - AXIS) / LANE);

function keepInside() {
  const span = Math.min(Math.max(view.to - view.from, SHORTEST), END);
  view.from = Math.min(Math.max(view.from, 0), END - span);
  view.to = view.from + span;
}

function look(from, to) {
  view.from = from;
  view.to = to;
  keepInside();
  chooseRows();
  showFrom(view.top);
}

function showFrom(top) {
  view.top = Math.min(Math.max(top, 0), Math.max(0, rows.length - lanesShown()));
  redraw();
}

function zoom(factor, around = (view.from + view.to) / 2) {
  look(around - (around - view.from) * factor, around + (view.to - around) * factor);
}

function pan(part) {
  const by = (view.to - view.from) * part;
  const room = by < 0 ? -view.from : END - view.to;
  const step = by < 0 ? Math.max(by, room) : Math.min(by, room);
  look(view.from + step, view.to + step);
}

function showAll() {
  view.top = 0;
  look(0, END);
}

// Brings a life into view, and makes it the one that keys are about.
function choose(life) {
  view.chosen = life;
  sayChosen();
  const first = Math.max(lives.born[life], 0);
  const last = goneAt(life);
  const span = view.to - view.from;
  if (last < view.from || first > view.to || last - first < span / 400) {
    const around = Math.min(END, Math.max((last - first) * 1.6, Math.min(span, (last - first) * 40), SHORTEST));
    const middle = (first + last) / 2;
    view.from = middle - around / 2;
    view.to = middle + around / 2;
    keepInside();
  }
  chooseRows();
  if (rowOf[life] < 0) {
    element("lanes").value = "view";
    chooseRows();
  }
  const row = rowOf[life];
  const shown = lanesShown();
  const isIn = row >= view.top && row < view.top + shown - 1;
  showFrom(isIn ? view.top : row - shown / 3);
}

function nextLane(step) {
  const row = rowOf[view.chosen];
  const to = row < 0 ? Math.floor(view.top) : Math.min(Math.max(row + step, 0), rows.length - 1);
  if (rows.length === 0) return;
  view.chosen = rows[to];
  const shown = lanesShown();
  const top = to < view.top ? to : to > view.top + shown - 2 ? to - shown + 2 : view.top;
  showFrom(top);
  sayChosen();
}

// Screen readers read it out.
function sayChosen() {
  element("lane").textContent = `${processOf(view.chosen)}, ${summaryOf(view.chosen)}`;
}

const scaleOf = (width) => (width - GUTTER) / (view.to - view.from);
const timeAt = (x) => view.from + (x - GUTTER) / scaleOf(stageSize().width);
const lifeAt = (y) => (y < AXIS ? NONE : rows[Math.floor(view.top + (y - AXIS) / LANE)] ?? NONE);

function summaryOf(life) {
  const zombie = zombieTime(life);
  const parts = [`lived ${duration(lifetime(life))}`];
  if (statusOf(life)) parts.push(statusOf(life));
  if (zombie > 0) parts.push(`${isKnown(lives.reaped[life]) ? "" : "still a "}zombie for ${isExact(life) ? "" : "at most "}${duration(zombie)}`);
  return parts.join(", ");
}
