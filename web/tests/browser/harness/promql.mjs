// The metrics and labels a PromQL expression names, and those a Prometheus text page has. Enough grammar for our own queries.

/** Labels that Prometheus adds when it scrapes, and those of histogram series. */
const givenLabels = new Set(['instance', 'job', 'le', 'quantile']);

/** `[{metric, labels}]` of one expression; labels of `by (...)` count for every metric in it. */
export function used(expression) {
  const text = expression.replace(/\$\{?\w+\}?/g, '1m');
  const grouped = [
    ...text.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g),
  ].flatMap(([, list]) => names(list));
  const found = [...text.matchAll(/\b(plenum_\w+)\s*(?:\{([^}]*)\})?/g)].map(([, metric, matchers = '']) => ({
    metric,
    labels: [
      ...new Set([
        ...[...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label),
        ...grouped,
      ]),
    ].filter((label) => !givenLabels.has(label)),
  }));
  return found;
}

const names = (list) =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

/** metric name -> set of its labels, over all its series, of one page in the Prometheus text format. */
export function exported(page) {
  const metrics = new Map();
  for (const line of page.split('\n')) {
    const series = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line);
    if (!series) continue;
    const labels = metrics.get(series[1]) ?? metrics.set(series[1], new Set()).get(series[1]);
    for (const [, label] of (series[2] ?? '').matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) labels.add(label);
  }
  return metrics;
}
