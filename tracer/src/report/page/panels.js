// What is told in words: the story of one, the tables of all.
const adoptions = new Map();
for (const one of report.adoptions) {
  if (!adoptions.has(one[0])) adoptions.set(one[0], []);
  adoptions.get(one[0]).push(one);
}

// Who had to reap it, and who did: told apart only where they differ.
function owedBy(life) {
  const owed = report.lives.owed[life];
  return owed === NONE ? parentOf(life) : peer(owed);
}

function reaperOf(life) {
  const reaper = report.lives.reaper[life];
  return reaper === NONE ? owedBy(life) : peer(reaper);
}

const peerName = (one) => (one === null ? "?" : `${text(one[1]) ?? "?"} (${one[0]})`);

function openLife(life) {
  choose(life);
  openStory(life);
}

// A process that can be gone to, if it is in the page.
function link(name, life) {
  if (life === null || life === undefined) return make("span", name);
  const button = make("button", name, "link");
  button.type = "button";
  button.addEventListener("click", () => openLife(life));
  return button;
}

const peerLink = (one) => link(peerName(one), one === null ? null : one[2]);

function line(list, time, kind, ...parts) {
  const item = make("li", undefined, kind);
  const stamp = make("time", `${since(time)} · ${absolute(time)}`);
  item.append(stamp, ...parts);
  list.push([time, item]);
}

function openStory(life) {
  const story = element("story");
  const close = make("button", "×", "close");
  close.type = "button";
  close.setAttribute("aria-label", "Close the story");
  close.addEventListener("click", closeStory);
  const title = make("h3", processOf(life));
  title.id = "story-title";
  const list = [];
  const parent = peerLink(parentOf(life));
  if (existed(life)) {
    line(list, lives.born[life], "alive", "born before the beginning, when recorded a child of ", parent);
  } else {
    const forker = report.lives.forker[life];
    const by = forker === null ? [parent] : [peerLink(peer(forker)), " as a child of ", parent];
    line(list, lives.born[life], "alive", "forked by ", ...by);
  }
  if (isKnown(lives.exec[life])) {
    const earlier = report.lives.execs[life] > 1 ? ` (its program number ${report.lives.execs[life]})` : "";
    line(list, lives.exec[life], "alive", `ran ${commandOf(life)}${earlier}`);
  }
  if (isKnown(lives.exited[life])) {
    line(list, lives.exited[life], "teardown", `${statusOf(life)} after ${duration(lifetime(life))}`);
  }
  if (isKnown(lives.zombie[life]) && zombieTime(life) > 0) {
    const teardown = lives.zombie[life] - lives.exited[life];
    line(list, lives.zombie[life], "zombie", "a zombie of ", peerLink(owedBy(life)),
      isKnown(teardown) ? `, teardown ${duration(teardown)}` : "");
  }
  for (const [, at, from, to, role, zombie] of adoptions.get(life) ?? []) {
    line(list, at, "adoption", `${zombie ? "as a zombie " : ""}adopted by `, peerLink(peer(to)), ` (${text(role)}) when `,
      peerLink(peer(from)), " ended");
  }
  if (isKnown(lives.reaped[life])) {
    const reaper = reaperOf(life);
    line(list, lives.reaped[life], "zombie", ...(reaper ? ["reaped by ", peerLink(reaper), " "] : ["gone "]), text(report.lives.via[life]) ?? "");
  }
  list.sort((one, other) => one[0] - other[0]);
  const events = make("ol");
  events.append(...list.map(([, item]) => item));
  const facts = make("dl");
  const fact = (name, ...values) => facts.append(make("dt", name), one(...values));
  const one = (...values) => {
    const value = make("dd");
    value.append(...values);
    return value;
  };
  const zombie = zombieTime(life);
  fact("zombie", zombie > 0 ? `${isExact(life) ? "" : "at most "}${duration(zombie)}${isKnown(lives.reaped[life]) ? "" : ", and still is"}` : "never");
  fact("lifetime", duration(lifetime(life)) + (isKnown(lives.exited[life]) ? "" : ", as far as is known"));
  if (report.lives.uid[life] !== null) fact("user", String(report.lives.uid[life]));
  if (report.lives.cpu[life] !== null) fact("CPU time", duration(report.lives.cpu[life]));
  if (report.lives.rss[life] !== null) fact("memory", `${(report.lives.rss[life] / 1048576).toFixed(1)} MiB`);
  if (report.lives.why[life] !== null) fact("why", text(report.lives.why[life]));
  if (report.lives.remedy[life] !== null) fact("remedy", text(report.lives.remedy[life]));
  const children = [];
  for (let child = lives.first[life]; child !== NONE && children.length < 21; child = lives.sibling[child]) children.push(child);
  if (children.length) {
    fact("children", ...children.slice(0, 20).flatMap((child) => [link(processOf(child), child), " "]), children.length > 20 ? "…" : "");
  }
  story.replaceChildren(close, title, ...(commandOf(life) === null ? [] : [make("code", commandOf(life))]), facts, events);
  story.hidden = false;
  story.scrollTop = 0;
  story.focus({ preventScroll: true });
  redraw();
}

function closeStory() {
  element("story").hidden = true;
  element("timeline").focus({ preventScroll: true });
  redraw();
}

function tell(time, life) {
  const state = stateAt(life, time);
  const zombie = zombieTime(life);
  const lines = [make("b", processOf(life)), make("div", `${state} at ${since(time)}`), make("div", absolute(time)), make("div", summaryOf(life))];
  if (state === "zombie" && zombie > 0) lines.push(make("div", `zombie from ${since(lives.zombie[life])} to ${isKnown(lives.reaped[life]) ? since(lives.reaped[life]) : "the end"}`));
  if (commandOf(life) !== null) lines.push(make("div", commandOf(life)));
  return lines;
}

function cell(value, column) {
  const td = make("td", undefined, ...(column.startsWith("#") ? ["number"] : []));
  td.append(Array.isArray(value) ? link(value[0], value[1]) : value);
  return td;
}

function headed(table, columns, heading) {
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const th = make("th", undefined, ...(column.startsWith("#") ? ["number"] : []));
    th.scope = "col";
    th.append(heading(column));
    head.append(th);
  }
}

function showTables() {
  for (const { title, note, columns, rows: lines } of report.tables) {
    const part = make("div");
    part.append(make("h2", title), make("p", note, "note"));
    if (lines.length) {
      const table = make("table");
      table.setAttribute("aria-label", title);
      headed(table, columns, (column) => column.replace("#", ""));
      const body = table.createTBody();
      for (const values of lines) body.insertRow().append(...values.map((value, place) => cell(value, columns[place])));
      const scroll = make("div", undefined, "scroll");
      scroll.append(table);
      part.append(scroll);
    }
    element("tables").append(part);
  }
  report.histograms.forEach(({ title, note, bars }, place) => {
    const part = make("div", undefined, ...(place === 0 ? ["of-zombies"] : []));
    part.append(make("h2", title), make("p", note, "note"));
    const table = make("table", undefined, "histogram");
    table.setAttribute("aria-label", title);
    const most = Math.max(1, ...bars.map(([, count]) => count));
    for (const [label, count] of bars) {
      const bar = make("td", undefined, "bar");
      const fill = make("i");
      fill.style.width = `${(count / most) * 100}%`;
      if (count > 0) bar.append(fill);
      table.insertRow().append(make("td", label), make("td", String(count), "number"), bar);
    }
    part.append(table);
    element("histograms").append(part);
  });
}

// The processes as a table, a hundred at a time: what the timeline shows, for those who cannot see it.
const list = { by: "zombie", down: true, shown: 100, order: [] };
const columns = {
  process: { of: (life) => nameOf(life), show: (life) => [processOf(life), life] },
  parent: { of: (life) => peerName(parentOf(life)), show: (life) => peerName(parentOf(life)) },
  "#began": { of: (life) => lives.born[life], show: (life) => since(lives.born[life]) },
  "#lifetime": { of: lifetime, show: (life) => duration(lifetime(life)) },
  "#zombie": { of: zombieTime, show: (life) => (zombieTime(life) > 0 ? duration(zombieTime(life)) : "-") },
  ended: { of: (life) => statusOf(life) ?? "", show: (life) => statusOf(life) ?? "alive" },
  "reaped by": { of: (life) => whoReaped(life), show: (life) => whoReaped(life) },
  why: { of: (life) => text(report.lives.why[life]) ?? "", show: (life) => text(report.lives.why[life]) ?? "" },
};

function whoReaped(life) {
  if (!isKnown(lives.reaped[life])) return isKnown(lives.zombie[life]) ? "nobody" : "";
  const reaper = reaperOf(life);
  return reaper ? peerName(reaper) : "the kernel";
}

function sortProcesses() {
  const { of } = columns[list.by] ?? columns[`#${list.by}`];
  const order = [];
  for (let life = 0; life < COUNT; life++) if (!isMatch || isMatch[life]) order.push(life);
  const keys = new Map(order.map((life) => [life, of(life)]));
  const sign = list.down ? -1 : 1;
  order.sort((one, other) => {
    const [a, b] = [keys.get(one), keys.get(other)];
    return a < b ? -sign : a > b ? sign : one - other;
  });
  list.order = order;
  list.shown = 100;
  showProcesses();
}

function showProcesses() {
  const table = element("processes");
  table.replaceChildren();
  headed(table, Object.keys(columns), (column) => {
    const name = column.replace("#", "");
    const button = make("button", name + (name === list.by ? (list.down ? " ▾" : " ▴") : ""));
    button.type = "button";
    button.addEventListener("click", () => {
      list.down = name === list.by ? !list.down : column.startsWith("#");
      list.by = name;
      sortProcesses();
    });
    return button;
  });
  for (const th of table.tHead.rows[0].cells) {
    const isBy = th.textContent.replace(/ [▾▴]$/, "") === list.by;
    th.ariaSort = isBy ? (list.down ? "descending" : "ascending") : "none";
  }
  const body = table.createTBody();
  const shown = list.order.slice(0, list.shown);
  for (const life of shown) {
    body.insertRow().append(...Object.entries(columns).map(([name, { show }]) => cell(show(life), name)));
  }
  const which = isMatch ? "that match the search" : "";
  element("processes-note").textContent = `${shown.length} of ${list.order.length} processes ${which}, by ${list.by}`.replace(" ,", ",");
  element("more").hidden = shown.length === list.order.length;
}
