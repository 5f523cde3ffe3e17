// The pictures: only what is in view is drawn, in the pixels of the screen.
let colours = {};
let isDue = false;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "panel", "ink", "quiet", "line", "stripe", "alive", "teardown", "zombie", "hatch",
    "fork", "adoption", "reap", "mark", "chosen", "focus"]) colours[name] = style.getPropertyValue(`--${name}`).trim();
}

function redraw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

function draw() {
  isDue = false;
  drawTimeline();
  drawOverview();
  const shown = Math.min(rows.length - Math.floor(view.top), Math.ceil(lanesShown()));
  const lanes = rows.length === 0 ? "no lanes" : `lanes ${Math.floor(view.top) + 1} to ${Math.floor(view.top) + Math.max(shown, 1)} of ${rows.length}`;
  const whole = rows.length === COUNT ? "" : ` (of ${COUNT} processes)`;
  element("range").textContent = `${since(view.from)} to ${since(view.to)}, ${duration(view.to - view.from)} of ${duration(END)}; ${lanes}${whole}`;
}

// A canvas of the size that it has on the screen.
function sized(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { pen, width, height };
}

let hatch = null;

// Zombies are striped: their colour is not all that tells them.
function striped(pen) {
  if (hatch && hatch.colour === colours.zombie) return hatch.pattern;
  const tile = make("canvas");
  tile.width = tile.height = 8;
  const part = tile.getContext("2d");
  part.fillStyle = colours.zombie;
  part.fillRect(0, 0, 8, 8);
  part.strokeStyle = colours.hatch;
  part.lineWidth = 1.6;
  for (const shift of [-8, 0, 8]) {
    part.beginPath();
    part.moveTo(shift, 8);
    part.lineTo(shift + 8, 0);
    part.stroke();
  }
  hatch = { colour: colours.zombie, pattern: pen.createPattern(tile, "repeat") };
  return hatch.pattern;
}

function drawTimeline() {
  const { pen, width, height } = sized(element("timeline"));
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  const scale = scaleOf(width);
  const x = (time) => GUTTER + (Math.min(Math.max(time, view.from), view.to) - view.from) * scale;
  const y = (row) => AXIS + (row - view.top) * LANE;
  const first = Math.floor(view.top);
  const last = Math.min(rows.length, Math.ceil(view.top + lanesShown()));
  for (let row = first; row < last; row++) {
    const life = rows[row];
    pen.fillStyle = life === view.chosen ? colours.chosen : isMatch && isMatch[life] ? colours.mark
      : life === view.hovered ? colours.panel : row % 2 ? colours.stripe : colours.paper;
    pen.fillRect(0, y(row), width, LANE);
  }
  drawAxis(pen, width, height, scale);
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, width, height - AXIS);
  pen.clip();
  for (let row = first; row < last; row++) drawLane(pen, rows[row], y(row), x);
  if (element("arrows").checked) drawArrows(pen, first, last, x, y, height);
  drawNames(pen, first, last, y);
  pen.restore();
  pen.fillStyle = colours.line;
  pen.fillRect(GUTTER - 1, 0, 1, height);
  if (view.pointer && view.pointer.x > GUTTER) {
    pen.fillStyle = colours.quiet;
    pen.fillRect(Math.round(view.pointer.x), AXIS, 1, height - AXIS);
  }
  if (rows.length === 0) {
    pen.fillStyle = colours.quiet;
    pen.font = "14px system-ui, sans-serif";
    pen.fillText("no lanes: choose others above", GUTTER + 20, AXIS + 40);
  }
}

function drawLane(pen, life, y, x) {
  const top = y + 3;
  const tall = LANE - 6;
  const [born, died, gone] = [lives.born[life], deathOf(life), goneAt(life)];
  if (gone < view.from || born > view.to) return;
  const zombie = known(lives.zombie[life], gone);
  pen.globalAlpha = isMatch && !isMatch[life] ? 0.35 : 1;
  if (died >= view.from) {
    pen.fillStyle = colours.alive;
    pen.fillRect(x(born), top, Math.max(1, x(died) - x(born)), tall);
  }
  if (x(zombie) - x(died) >= 1) {
    pen.fillStyle = colours.teardown;
    pen.fillRect(x(died), top, x(zombie) - x(died), tall);
  }
  const wide = x(gone) - x(zombie);
  if (wide >= 1 || (zombieTime(life) >= LONG && zombie <= view.to)) {
    pen.fillStyle = striped(pen);
    pen.fillRect(x(zombie), top, Math.max(2, wide), tall);
  }
  pen.globalAlpha = 1;
}

function drawNames(pen, first, last, y) {
  pen.textBaseline = "middle";
  for (let row = first; row < last; row++) {
    const life = rows[row];
    const left = 8 + Math.min(report.lives.depth[life], 9) * 7;
    pen.save();
    pen.beginPath();
    pen.rect(0, y(row), GUTTER - 6, LANE);
    pen.clip();
    pen.font = "12.5px system-ui, sans-serif";
    pen.fillStyle = colours.ink;
    pen.fillText(nameOf(life), left, y(row) + LANE / 2 + 0.5);
    const used = left + pen.measureText(nameOf(life)).width + 6;
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.quiet;
    pen.fillText(report.lives.pid[life], used, y(row) + LANE / 2 + 1);
    pen.restore();
  }
}

function drawAxis(pen, width, height, scale) {
  const least = 110 / scale;
  const power = 10 ** Math.floor(Math.log10(least));
  const whole = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= least);
  const clock = [60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400].map((one) => one * 1e9).find((one) => one >= least);
  const step = least > 20e9 && clock ? clock : whole;
  const digits = Math.max(0, Math.min(9, -Math.floor(Math.log10(step / 1e9) + 1e-9)));
  pen.font = "11.5px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const pad = (number) => String(number).padStart(2, "0");
  for (let tick = Math.ceil(view.from / step); tick * step <= view.to; tick++) {
    const at = GUTTER + (tick * step - view.from) * scale;
    pen.fillStyle = colours.line;
    pen.fillRect(Math.round(at), AXIS - 6, 1, height - AXIS + 6);
    const seconds = Math.round((tick * step) / 1e9);
    const minutes = Math.floor(seconds / 60);
    const label = step < 60e9 ? `+${((tick * step) / 1e9).toFixed(digits)} s`
      : END < 3600e9 ? `+${minutes} min` : `+${Math.floor(minutes / 60)}:${pad(minutes % 60)} h`;
    pen.fillStyle = colours.quiet;
    if (at + pen.measureText(label).width + 6 < width) pen.fillText(label, at + 4, AXIS / 2);
  }
  pen.fillText("process", 8, AXIS / 2);
  pen.fillStyle = colours.line;
  pen.fillRect(0, AXIS - 1, width, 1);
}

// From the forker down, from the adopter to the orphan, from the dead to its reaper.
function drawArrows(pen, first, last, x, y, height) {
  const middle = (life) => Math.min(Math.max(y(rowOf[life]) + LANE / 2, AXIS - 20), height + 20);
  const isSeen = (time) => time >= view.from && time <= view.to;
  const arrow = (of, from, to, time, kind, dash) => {
    if (from === null || to === null || from === to || rowOf[from] < 0 || rowOf[to] < 0 || !isSeen(time)) return;
    const isChosen = from === view.chosen || to === view.chosen;
    // Where lives are specks, arrows would be all there is to see.
    if (!isChosen && x(goneAt(of)) - x(lives.born[of]) < 5) return;
    pen.globalAlpha = isChosen || view.chosen < 0 ? 0.9 : 0.3;
    const [at, begin, end] = [Math.round(x(time)) + 0.5, middle(from), middle(to)];
    const down = end > begin ? 1 : -1;
    pen.strokeStyle = pen.fillStyle = colours[kind];
    pen.lineWidth = isChosen ? 2 : 1;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(at, begin);
    pen.lineTo(at, end - 4 * down);
    pen.stroke();
    pen.setLineDash([]);
    pen.beginPath();
    pen.moveTo(at, end);
    pen.lineTo(at - 3.5, end - 6 * down);
    pen.lineTo(at + 3.5, end - 6 * down);
    pen.fill();
  };
  for (let row = first; row < last; row++) {
    const life = rows[row];
    if (!existed(life)) {
      const forker = peer(report.lives.forker[life]) ?? parentOf(life);
      arrow(life, forker ? forker[2] : null, life, lives.born[life], "fork", []);
    }
    for (const [, at, , to] of adoptions.get(life) ?? []) arrow(life, peer(to)[2], life, at, "adoption", [5, 3]);
    const reaper = reaperOf(life);
    if (reaper && isKnown(lives.reaped[life])) arrow(life, life, reaper[2], lives.reaped[life], "reap", [2, 2]);
  }
  pen.globalAlpha = 1;
}

// All lanes in a few pixels, the worst state of those that share one.
let overview = null;

function paintOverview(width, height) {
  const key = `${width} ${height} ${colours.zombie} ${colours.paper}`;
  if (overview && overview.key === key) return overview.canvas;
  const worst = new Uint8Array(width * height);
  const x = (time) => Math.min(width - 1, Math.max(0, Math.floor((time / END) * width)));
  const tall = Math.max(1, Math.floor(height / Math.max(COUNT, 1)));
  const fill = (life, from, to, state) => {
    const top = Math.floor((life / COUNT) * height);
    for (let line = top; line < Math.min(height, top + tall); line++) {
      for (let at = line * width + x(from), end = line * width + x(to); at <= end; at++) {
        if (worst[at] < state) worst[at] = state;
      }
    }
  };
  for (let life = 0; life < COUNT; life++) {
    fill(life, lives.born[life], deathOf(life), 1);
    if (zombieTime(life) >= Math.min(LONG, END / width)) fill(life, lives.zombie[life], goneAt(life), 2);
  }
  const canvas = make("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const picture = pen.createImageData(width, height);
  const shades = [colours.paper, colours.alive, colours.zombie].map((colour) => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return pen.getImageData(0, 0, 1, 1).data;
  });
  for (let at = 0; at < worst.length; at++) picture.data.set(shades[worst[at]], at * 4);
  pen.putImageData(picture, 0, 0);
  overview = { key, canvas };
  return canvas;
}

function drawOverview() {
  const { pen, width, height } = sized(element("overview"));
  pen.imageSmoothingEnabled = false;
  const ratio = window.devicePixelRatio || 1;
  const inside = Math.max(1, Math.round((width - GUTTER) * ratio));
  pen.fillStyle = colours.panel;
  pen.fillRect(0, 0, width, height);
  pen.drawImage(paintOverview(inside, Math.round(height * ratio)), GUTTER, 0, width - GUTTER, height);
  pen.fillStyle = colours.quiet;
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillText(`${COUNT} processes, ${duration(END)}`, 8, height / 2 - 8);
  pen.fillText("click or drag to go there", 8, height / 2 + 9);
  if (rows.length === 0) return;
  const first = rows[Math.min(rows.length - 1, Math.floor(view.top))];
  const last = rows[Math.min(rows.length - 1, Math.floor(view.top + lanesShown()))];
  const [left, right] = [view.from, view.to].map((time) => GUTTER + (time / END) * (width - GUTTER));
  const [top, bottom] = [first, last + 1].map((life) => (life / COUNT) * height);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1.5;
  pen.strokeRect(left + 1, Math.min(top, height - 5) + 1, Math.max(4, right - left - 2), Math.max(4, bottom - top - 2));
}
