/** Opens a page's model, has it predict all cases, and puts its figures in ms where scripts/bench/load.py finds them. */
export async function measure(open) {
  try {
    // Both need it; it is no part of what is compared.
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
    // The median of ten around the hundredth's place: a single one says more of the machine.
    const last = times.slice(-10).sort((a, b) => a - b);
    window.found = { loaded, first: times[0], last: (last[4] + last[5]) / 2, says };
  } catch (error) {
    window.found = { error: String(error?.message ?? error) };
  }
}
