// The page can be read without this. It shows the reader's place, folds the contents on a phone,
// opens what a link leads to, and opens explanations and methods for print.
(() => {
  "use strict";
  const page = document.documentElement;
  page.classList.add("scripted");
  const contents = document.querySelector("details.contents-list");
  const here = document.querySelector(".contents-here");
  const links = new Map();
  document.querySelectorAll(".contents a[href^='#']").forEach(link => {
    const place = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (place) links.set(place, link);
  });
  const narrow = matchMedia("(max-width: 60rem)");
  const fold = () => { if (contents) contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  document.querySelectorAll(".contents a").forEach(link => {
    link.addEventListener("click", () => { if (narrow.matches) contents.open = false; });
  });
  const inSight = new Set();
  const mark = () => {
    const [now] = [...links.keys()].filter(place => inSight.has(place));
    if (!now) return;
    links.forEach((link, place) => {
      if (place === now) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
    if (here) here.textContent = links.get(now).textContent;
  };
  // A band below the top of the window: the section that crosses it is where the reader is.
  const watch = new IntersectionObserver(entries => {
    entries.forEach(e => { if (e.isIntersecting) inSight.add(e.target); else inSight.delete(e.target); });
    mark();
  }, { rootMargin: "-12% 0px -75% 0px" });
  links.forEach((link, place) => watch.observe(place));
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const closed = [];
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS" && !e.open) closed.push(e);
    if (!closed.length) return;
    closed.forEach(e => { e.open = true; });
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
  // A table or a piece of code is a stop of the keyboard only where it scrolls.
  const frames = document.querySelectorAll(".table[tabindex], pre[tabindex]");
  const stops = new ResizeObserver(entries => entries.forEach(({ target }) => {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }));
  frames.forEach(frame => stops.observe(frame));
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:is(.explained, .depth):not([open])")];
    opened.forEach(e => { e.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach(e => { e.open = false; }));
})();
