"use strict";
// Interactive points: pointer and keyboard show their values. Without scripts, the tables below the figures have them all.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("aria-hidden", "true"); // the points' own labels have the same text
  tip.hidden = true;
  document.body.append(tip);
  let lit = null;

  function hide() {
    tip.hidden = true;
    if (lit) lit.classList.remove("lit");
    lit = null;
  }

  function show(spots) {
    hide();
    lit = spots[0];
    lit.classList.add("lit");
    tip.replaceChildren(...spots.map((spot, rank) => {
      const part = document.createElement("div");
      const lines = spot.getAttribute("aria-label").split("\n");
      // For points underneath, name and latency are enough.
      (rank ? [lines[0], lines[2]] : lines).forEach((line, place) => {
        const row = document.createElement(place ? "span" : "strong");
        row.textContent = line;
        part.append(row);
      });
      return part;
    }));
    tip.hidden = false;
    const box = lit.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const middle = (box.left + box.right) / 2, width = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(middle - own.width / 2, width - own.width - 8));
    const above = box.top - own.height - 4;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(above > 8 ? above : box.bottom + 4) + scrollY}px`;
  }

  // The nearest point within reach, and the points hidden below it.
  function near(spots, event) {
    const away = (spot) => {
      const box = spot.getBoundingClientRect();
      return Math.hypot((box.left + box.right) / 2 - event.clientX, (box.top + box.bottom) / 2 - event.clientY);
    };
    const found = spots.map((spot) => [away(spot), spot]).sort((a, b) => a[0] - b[0]);
    if (!found.length || found[0][0] > 22) return [];
    return found.filter(([distance]) => distance <= found[0][0] + 4).slice(0, 4).map(([, spot]) => spot);
  }

  for (const group of document.querySelectorAll("g.spots")) {
    const svg = group.ownerSVGElement, spots = [...group.children];
    const answer = (event) => {
      const found = near(spots, event);
      if (found.length) show(found);
      else hide();
    };
    svg.addEventListener("pointermove", answer);
    svg.addEventListener("pointerdown", answer);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    spots.forEach((spot, place) => {
      // A tap has already shown the point, with those underneath.
      spot.addEventListener("focus", () => { if (spot.matches(":focus-visible")) show([spot]); });
      spot.addEventListener("blur", hide);
      spot.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (event.key === "Escape") hide();
        if (!step) return;
        event.preventDefault();
        const next = spots[(place + step + spots.length) % spots.length];
        spot.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      });
    });
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("pointerdown", (event) => { if (!event.target.closest("figure svg")) hide(); });
})();
