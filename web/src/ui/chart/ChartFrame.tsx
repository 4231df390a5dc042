// Around every chart: its title, what the colours mean, and the same numbers as a table.
import type { ReactNode } from 'react';
import styles from './ChartFrame.module.css';

export interface LegendEntry {
  name: string;
  color: string;
}

interface FrameProps {
  title: string;
  legend?: LegendEntry[];
  columns: string[];
  rows: (string | number)[][];
  children: ReactNode;
}

export function ChartFrame({ title, legend = [], columns, rows, children }: FrameProps) {
  return (
    <figure className={styles.frame} data-testid="chart">
      <figcaption>
        <h2>{title}</h2>
        {legend.length > 0 && (
          <ul className={styles.legend}>
            {legend.map(({ name, color }) => (
              <li key={name}>
                <i style={{ '--color': color } as React.CSSProperties} aria-hidden="true" />
                {name}
              </li>
            ))}
          </ul>
        )}
      </figcaption>
      {children}
      <details className={styles.table}>
        <summary>As a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section className={styles.scroll} tabIndex={0} aria-label={`${title}, as a table`}>
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(([head, ...cells]) => (
                <tr key={head}>
                  <th scope="row">{head}</th>
                  {cells.map((cell, index) => (
                    <td key={columns[index + 1]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  );
}
