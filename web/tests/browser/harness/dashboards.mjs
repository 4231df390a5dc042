// The dashboards as they lie in grafana/: what they ask Prometheus, and what a panel must have to be of use.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { grafana } from './prometheus.mjs';

/** What Grafana makes of its own words: a window of a minute, and every process. */
const RATE_WINDOW = '1m';
const EVERY_INSTANCE = '.*';

/** `{file, dashboard}` of each. */
export function dashboards() {
  return readdirSync(join(grafana, 'dashboards')).map((file) => ({
    file,
    dashboard: JSON.parse(readFileSync(join(grafana, 'dashboards', file), 'utf8')),
  }));
}

/** `[{where, expression, shown}]` of all panels; `shown` are the labels that legends name. */
export function questions() {
  return dashboards().flatMap(({ file, dashboard }) =>
    panels(dashboard).flatMap((panel) =>
      (panel.targets ?? []).map(({ expr, legendFormat }) => ({
        where: `${file}: ${panel.title}`,
        expression: resolved(expr),
        shown: [...legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label]) => label),
      })),
    ),
  );
}

/** `[{where, metric, label}]` of the variables that Prometheus is asked for. */
export function variables() {
  return dashboards().flatMap(({ file, dashboard }) =>
    dashboard.templating.list
      .filter(({ type }) => type === 'query')
      .map(({ name, query }) => {
        const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query.query);
        return { where: `${file}: $${name}`, metric, label };
      }),
  );
}

export const panels = (dashboard) => dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);

function resolved(expression) {
  const text = expression.replaceAll('$__rate_interval', RATE_WINDOW).replaceAll('$instance', EVERY_INSTANCE);
  if (text.includes('$')) throw new Error(`nobody resolves this: ${text}`);
  return text;
}

/** What is wrong with the files themselves, whatever Prometheus has. */
export function flaws() {
  const found = [];
  const uids = new Map();
  for (const { file, dashboard } of dashboards()) {
    const flaw = (what) => found.push(`${file}: ${what}`);
    if (dashboard.schemaVersion !== 39) flaw(`schema version ${dashboard.schemaVersion}`);
    if (!dashboard.title) flaw('no title');
    if (uids.has(dashboard.uid)) flaw(`the uid of ${uids.get(dashboard.uid)}`);
    uids.set(dashboard.uid, file);
    const declared = new Set(dashboard.templating.list.map(({ name }) => name));
    for (const [, name] of JSON.stringify(dashboard.panels).matchAll(/\$\{?(\w+)/g)) {
      if (!name.startsWith('__') && !declared.has(name)) flaw(`no variable ${name}`);
    }
    const all = panels(dashboard);
    if (new Set(all.map(({ id }) => id)).size !== all.length) flaw('two panels with one id');
    for (const panel of all) {
      if (panel.type === 'row') continue;
      for (const part of ['title', 'description', 'datasource', 'gridPos', 'targets'])
        if (!panel[part]) flaw(`${panel.title ?? panel.id} has no ${part}`);
      if (!panel.fieldConfig?.defaults?.unit) flaw(`${panel.title} has no unit`);
      const references = panel.targets.map(({ refId }) => refId);
      if (new Set(references).size !== references.length) flaw(`${panel.title}: two queries with one name`);
    }
    for (const [at, one] of all.entries()) {
      for (const other of all.slice(at + 1))
        if (overlap(one.gridPos, other.gridPos)) flaw(`${one.title} lies over ${other.title}`);
    }
  }
  return found;
}

const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
