"""Names for what the toolkit leaves nameless, so that a screen reader can say it and the Tab key can pass it.

The box beside a slider has no name, all folds are called "show more", and the little arrows of a number are buttons
without a name that double the keys of its box. Components live in shadow roots and come and go; the script names what
is there while the page is being drawn, and after whatever a visitor does. A link that shows when it has the focus skips
the form.
"""

from __future__ import annotations

NAMES = """(() => {
  const said = (one) => (one?.textContent ?? "").replace(/[:\\s]+$/, "").trim()
  const name = (root) => {
    const title = said(root.querySelector("label"))
    for (const one of root.querySelectorAll("input.MuiInputBase-input:not([aria-label])")) {
      const labelled = one.labels?.length || one.getAttribute("aria-labelledby")
      if (title && !labelled) one.setAttribute("aria-label", `${title}, typed`)
    }
    for (const one of root.querySelectorAll(".MuiInputAdornment-root button:not([aria-label])")) {
      one.tabIndex = -1
      one.setAttribute("aria-hidden", "true")
    }
    for (const one of root.querySelectorAll(".MuiCardHeader-root")) {
      const fold = one.querySelector("button[aria-expanded]"), heading = said(one.querySelector(".MuiTypography-root"))
      if (fold && heading) fold.setAttribute("aria-label", heading)
    }
    for (const one of root.querySelectorAll("*")) if (one.shadowRoot) name(one.shadowRoot)
  }
  // The form has dozens of stops before the views: a first link leads past them.
  const tab = (root) => {
    for (const one of root.querySelectorAll("*")) {
      const found = one.matches("[role=tab][aria-selected=true]") ? one : one.shadowRoot && tab(one.shadowRoot)
      if (found) return found
    }
  }
  document.getElementById("skip")?.addEventListener("click", (event) => {
    event.preventDefault()
    tab(document)?.focus()
  })
  let waiting = 0
  const soon = () => {
    clearTimeout(waiting)
    waiting = setTimeout(() => name(document), 400)
  }
  for (const event of ["pointerup", "keyup", "focusin"]) document.addEventListener(event, soon, true)
  // A cold server draws the last part minutes after the first; then only what a visitor does brings something new.
  let seconds = 0
  const drawn = () => {
    name(document)
    seconds += 2
    if (seconds < 300) setTimeout(drawn, 2000)
  }
  setTimeout(drawn, 1000)
})()"""
"""Run once, by the page's first answer."""
