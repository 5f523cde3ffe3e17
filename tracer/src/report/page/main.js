// What people do with it.
function search() {
  const wanted = element("search").value.trim().toLowerCase();
  matches = [];
  isMatch = null;
  if (wanted) {
    isMatch = new Uint8Array(COUNT);
    const fits = report.strings.map((string) => string.toLowerCase().includes(wanted));
    const from = report.lives;
    for (let life = 0; life < COUNT; life++) {
      const named = from.name[life] !== null && fits[from.name[life]];
      const called = from.command[life] !== null && fits[from.command[life]];
      if (named || called || String(from.pid[life]) === wanted) {
        isMatch[life] = 1;
        matches.push(life);
      }
    }
  }
  element("matches").textContent = !wanted ? "" : matches.length === 1 ? "1 match" : `${matches.length} matches`;
  chooseRows();
  showFrom(view.top);
  sortProcesses();
}

function nextMatch(step) {
  if (matches.length === 0) return;
  const place = matches.indexOf(view.chosen);
  const to = place < 0 ? (step > 0 ? 0 : matches.length - 1) : (place + step + matches.length) % matches.length;
  choose(matches[to]);
  element("matches").textContent = `${to + 1} of ${matches.length}`;
  if (!element("story").hidden) openStory(matches[to]);
}

const keys = {
  ArrowLeft: () => pan(-0.2),
  ArrowRight: () => pan(0.2),
  ArrowUp: () => nextLane(-1),
  ArrowDown: () => nextLane(1),
  PageUp: () => nextLane(-Math.floor(lanesShown())),
  PageDown: () => nextLane(Math.floor(lanesShown())),
  "+": () => zoom(0.5),
  "=": () => zoom(0.5),
  "-": () => zoom(2),
  0: showAll,
  Home: showAll,
  Enter: () => {
    if (rowOf[view.chosen] === undefined) nextLane(0);
    if (view.chosen !== NONE) openStory(view.chosen);
  },
};

function listen() {
  const canvas = element("timeline");
  element("search").addEventListener("input", search);
  element("search").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || matches.length === 0) return;
    nextMatch(event.shiftKey ? -1 : 1);
    openStory(view.chosen);
    element("search").focus();
  });
  element("previous").addEventListener("click", () => nextMatch(-1));
  element("next").addEventListener("click", () => nextMatch(1));
  element("lanes").addEventListener("change", () => { chooseRows(); showFrom(view.top); });
  element("arrows").addEventListener("change", redraw);
  element("in").addEventListener("click", () => zoom(0.5));
  element("out").addEventListener("click", () => zoom(2));
  element("fit").addEventListener("click", showAll);
  element("more").addEventListener("click", () => { list.shown += 1000; showProcesses(); });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      element("search").focus();
      element("search").select();
    } else if (event.key === "Escape" && !element("story").hidden) closeStory();
  });
  pointing(canvas);
  overviewPointing(element("overview"));
  new ResizeObserver(() => { chooseRows(); showFrom(view.top); }).observe(element("stage"));
}

function pointing(canvas) {
  let held = null;
  const place = (event) => ({ x: event.offsetX, y: event.offsetY });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    held = { ...place(event), from: view.from, top: view.top, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = place(event);
    if (held) {
      held.moved = held.moved || Math.hypot(now.x - held.x, now.y - held.y) > 4;
      if (!held.moved) return;
      canvas.classList.add("held");
      element("tooltip").hidden = true;
      const span = view.to - view.from;
      const from = Math.min(Math.max(held.from - (now.x - held.x) / scaleOf(stageSize().width), 0), END - span);
      if (from !== view.from) look(from, from + span);
      showFrom(view.top - (now.y - (held.last ?? held.y)) / LANE);
      held.last = now.y;
      return;
    }
    point(now);
  });
  const release = (event) => {
    canvas.classList.remove("held");
    if (held && !held.moved && event.type === "pointerup") {
      const life = lifeAt(event.offsetY);
      if (life !== NONE) {
        view.chosen = life;
        sayChosen();
        openStory(life);
      }
    }
    held = null;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("dblclick", (event) => zoom(0.4, timeAt(event.offsetX)));
  canvas.addEventListener("wheel", (event) => {
    const unit = event.deltaMode === 1 ? 18 : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(event.deltaY * unit * 0.0025), timeAt(Math.max(event.offsetX, GUTTER)));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan(((event.deltaX || event.deltaY) * unit) / stageSize().width);
    } else {
      const before = view.top;
      showFrom(view.top + (event.deltaY * unit) / LANE);
      // At the last lane the page scrolls on.
      if (view.top !== before) event.preventDefault();
    }
    point(place(event));
  }, { passive: false });
}

function point(at) {
  view.pointer = at;
  view.hovered = at ? lifeAt(at.y) : NONE;
  const tip = element("tooltip");
  tip.hidden = view.hovered === NONE;
  if (view.hovered !== NONE) {
    const time = at.x > GUTTER ? timeAt(at.x) : Math.max(lives.born[view.hovered], view.from);
    tip.replaceChildren(...tell(time, view.hovered));
    const { width, height } = stageSize();
    tip.style.left = `${Math.max(0, Math.min(at.x + 14, width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${at.y + 18 + tip.offsetHeight > height ? Math.max(0, at.y - tip.offsetHeight - 10) : at.y + 18}px`;
  }
  redraw();
}

function overviewPointing(canvas) {
  let isHeld = false;
  const go = (event) => {
    const inside = canvas.clientWidth - GUTTER;
    const middle = ((event.offsetX - GUTTER) / inside) * END;
    const half = (view.to - view.from) / 2;
    look(middle - half, middle + half);
    const life = Math.floor((event.offsetY / canvas.clientHeight) * COUNT);
    let near = Math.min(Math.max(life, 0), COUNT - 1);
    while (near > 0 && rowOf[near] < 0) near--;
    showFrom(rowOf[near] - lanesShown() / 2);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    isHeld = true;
    go(event);
  });
  canvas.addEventListener("pointermove", (event) => isHeld && go(event));
  canvas.addEventListener("pointerup", () => { isHeld = false; });
}

function theming() {
  const names = ["auto", "light", "dark"];
  let now = 0;
  const wear = (name) => {
    if (name === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = name;
    readColours();
  };
  element("theme").addEventListener("click", () => {
    now = (now + 1) % names.length;
    element("theme").textContent = `Theme: ${names[now]}`;
    wear(names[now]);
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
  // Paper is white.
  addEventListener("beforeprint", () => { wear("light"); draw(); });
  addEventListener("afterprint", () => { wear(names[now]); draw(); });
  readColours();
}

function begin() {
  document.title = `${report.name} – tracer report`;
  element("head").append(...report.head.map((line) => make("div", line)));
  element("head").append(...report.warnings.map((line) => make("div", line, "warning")));
  for (const [label, value, isBad] of report.tiles) {
    const tile = make("li", undefined, ...(isBad ? ["bad"] : []));
    tile.append(make("b", value.replace(/\B(?=(\d{3})+$)/g, "\u202f")), make("span", label));
    element("tiles").append(tile);
  }
  // A few lanes need no more room; a story does.
  document.documentElement.style.setProperty("--tall", `${Math.max(340, AXIS + (COUNT + 1) * LANE)}px`);
  theming();
  listen();
  showAll();
  draw();
  performance.mark("drawn");
  showTables();
  sortProcesses();
}

begin();
