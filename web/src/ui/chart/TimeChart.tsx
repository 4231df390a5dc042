// Numbers over the minutes of a meeting: an area that follows steps, or bars on top of one another.
import { type PointerEvent, useRef, useState } from 'react';
import { useSize } from '../base/useSize';
import { minuteTicks, minuteWords, ticks } from './scale';
import styles from './TimeChart.module.css';

export interface Series {
  name: string;
  color: string;
  values: number[];
}

export interface Band {
  name: string;
  color: string;
  spans: { start_minute: number; end_minute: number }[];
}

interface TimeChartProps {
  label: string;
  kind: 'area' | 'bars';
  series: Series[];
  /** Minutes of one step. */
  step: number;
  /** When something else was going on, as stripes below. */
  bands?: Band[];
}

const LEFT = 30;
const TOP = 8;
const BOTTOM = 22;
const BAND = 7;
/** As many labels as fit beside one another without touching. */
const PER_LABEL = 74;

export function TimeChart({ label, kind, series, step, bands = [] }: TimeChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const size = useSize(place);
  const [at, setAt] = useState<number | null>(null);
  const count = series[0]?.values.length ?? 0;
  const minutes = count * step;
  const stacked = Array.from({ length: count }, (_, index) =>
    series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  const top = Math.max(1, ...(kind === 'bars' ? stacked : series.flatMap(({ values }) => values)));
  const lines = ticks(top, 4);
  const most = lines.at(-1) ?? 1;
  const shown = bands.filter(({ spans }) => spans.length > 0);
  const width = Math.max(0, (size?.width ?? 0) - LEFT);
  const height = (size?.height ?? 0) - TOP - BOTTOM - shown.length * (BAND + 3);
  const x = (minute: number) => LEFT + (minute / Math.max(1, minutes)) * width;
  const y = (value: number) => TOP + height - (value / most) * height;

  const move = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left - LEFT) / Math.max(1, width)) * count);
    setAt(index >= 0 && index < count ? index : null);
  };
  return (
    <div ref={place} className={styles.chart} onPointerMove={move} onPointerLeave={() => setAt(null)}>
      {size && height > 0 && (
        <svg role="img" aria-label={label} width={size.width} height={size.height}>
          {lines.map((value) => (
            <g key={value}>
              <line className={styles.grid} x1={LEFT} x2={LEFT + width} y1={y(value)} y2={y(value)} />
              <text className={styles.axis} x={LEFT - 8} y={y(value) + 4} textAnchor="end">
                {value}
              </text>
            </g>
          ))}
          {minuteTicks(minutes, width / PER_LABEL).map((minute) => (
            <text
              key={minute}
              className={styles.axis}
              x={x(minute)}
              y={size.height - 4}
              textAnchor={minute === 0 ? 'start' : 'middle'}
            >
              {minuteWords(minute)}
            </text>
          ))}
          {kind === 'area'
            ? series.map((one) => <Area key={one.name} {...one} step={step} x={x} y={y} />)
            : series.map((one, index) => (
                <Bars key={one.name} {...one} step={step} below={series.slice(0, index)} x={x} y={y} />
              ))}
          {shown.map(({ name, color, spans }, row) => (
            <g key={name} style={{ '--color': color } as React.CSSProperties}>
              {spans.map(({ start_minute: start, end_minute: end }) => (
                <rect
                  key={start}
                  className={styles.band}
                  x={x(start)}
                  y={TOP + height + 5 + row * (BAND + 3)}
                  width={Math.max(2, x(Math.min(end, minutes)) - x(start))}
                  height={BAND}
                  rx={3}
                />
              ))}
            </g>
          ))}
          {at !== null && (
            <line
              className={styles.cursor}
              x1={x((at + 0.5) * step)}
              x2={x((at + 0.5) * step)}
              y1={TOP}
              y2={TOP + height}
            />
          )}
        </svg>
      )}
      {at !== null && size && (
        <Tip at={at} step={step} series={series} x={x((at + 0.5) * step)} width={size.width} />
      )}
    </div>
  );
}

interface DrawProps extends Series {
  step: number;
  x: (minute: number) => number;
  y: (value: number) => number;
}

function Area({ values, color, step, x, y }: DrawProps) {
  const edge = values
    .map((value, index) => `H${x(index * step)}V${y(value)}H${x((index + 1) * step)}`)
    .join('');
  const first = y(values[0] ?? 0);
  return (
    <g style={{ '--color': color } as React.CSSProperties}>
      <path className={styles.area} d={`M${x(0)} ${y(0)}V${first}${edge}V${y(0)}Z`} />
      <path className={styles.edge} d={`M${x(0)} ${first}${edge}`} />
    </g>
  );
}

function Bars({ values, color, step, below, x, y }: DrawProps & { below: Series[] }) {
  const wide = x(step) - x(0);
  const gap = Math.min(3, wide * 0.2);
  return (
    <g style={{ '--color': color } as React.CSSProperties}>
      {values.map((value, index) => {
        const base = below.reduce((sum, other) => sum + (other.values[index] ?? 0), 0);
        const minute = index * step;
        return (
          value > 0 && (
            <rect
              key={minute}
              className={styles.bar}
              x={x(minute) + gap / 2}
              y={y(base + value)}
              width={Math.max(1, wide - gap)}
              height={Math.max(1, y(base) - y(base + value))}
            />
          )
        );
      })}
    </g>
  );
}

interface TipProps {
  at: number;
  step: number;
  series: Series[];
  x: number;
  width: number;
}

function Tip({ at, step, series, x, width }: TipProps) {
  const side = x > width / 2 ? { right: width - x + 10 } : { left: x + 10 };
  return (
    <div className={styles.tip} style={side} aria-hidden="true">
      <strong>{step === 1 ? `Minute ${at}` : `Minute ${at * step}–${(at + 1) * step}`}</strong>
      {series.map(({ name, values }) => (
        <span key={name}>
          {name}: {values[at]}
        </span>
      ))}
    </div>
  );
}
