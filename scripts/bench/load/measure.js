/** Opens a page's model, predicts all cases, and leaves the times in ms in `window.found`, which scripts/bench/load.py reads. */
export async function measure(open) {
  try {
    // Both need the cases, so this fetch is not timed.
    const cases = await (await fetch("cases.json")).json();
    const predict = await open();
    const times = [];
    let says, loaded;
    for (const text of cases) {
      const start = performance.now();
      const found = await predict(text);
      times.push(performance.now() - start);
      says ??= found;
      loaded ??= performance.now();
    }
    // The median of the last ten, to reduce noise.
    const last = times.slice(-10).sort((a, b) => a - b);
    window.found = { loaded, first: times[0], last: (last[4] + last[5]) / 2, says };
  } catch (error) {
    window.found = { error: String(error?.message ?? error) };
  }
}
