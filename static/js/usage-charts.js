import { legendOf, readingOf } from './usage-reading.js'

const HEIGHT = 260
const NARROW = 480

/** Draws each table of numbers; what is drawn is read from the table, so both say the same. */
export async function usageCharts() {
  const sections = [...document.querySelectorAll('[data-usage]')].filter((section) =>
    section.querySelector('[data-chart]'),
  )
  if (sections.length === 0) return
  const [{ default: uPlot }] = await Promise.all([import('../vendor/uplot.js'), styles()])
  const charts = sections.map((section) => chartOf(uPlot, section))
  // colours are drawn into a canvas, so another theme needs another drawing
  new MutationObserver(() => {
    for (const chart of charts) chart.redraw()
  }).observe(document.documentElement, { attributes: true, attributeFilter: ['class'] })
}

function styles() {
  const link = document.createElement('link')
  link.rel = 'stylesheet'
  link.href = new URL('../vendor/uplot.css', import.meta.url).href
  const loaded = new Promise((resolve) => link.addEventListener('load', resolve, { once: true }))
  document.head.append(link)
  return loaded
}

function chartOf(uPlot, section) {
  const reading = readingOf(section)
  const frame = section.querySelector('[data-chart]')
  const box = document.createElement('div')
  box.className = 'chart-box'
  const legend = legendOf(reading)
  frame.append(legend.element, box)
  frame.hidden = false
  section.querySelector('.usage-rows').open = false
  let plot = draw()
  slider(box, reading, {
    show: (index) => (index === undefined ? plot.setCursor({ left: -10, top: -10 }) : plot.setCursor(pointAt(index))),
  })
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width)
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height })
  }).observe(box)
  return {
    redraw() {
      plot.destroy()
      plot = draw()
    },
  }

  function draw() {
    return new uPlot(optionsOf(uPlot, reading, box, legend), dataOf(reading), box)
  }

  function pointAt(index) {
    return { left: plot.valToPos(index, 'x'), top: plot.over.clientHeight / 2 }
  }
}

/** Bars of parts are drawn one before the other, the sum of all first, so that each shows only its own piece. */
function dataOf({ labels, before, parts }) {
  let below = labels.map(() => 0)
  const stacked = parts.map(({ values }) => {
    below = below.map((sum, index) => sum + values[index])
    return below
  })
  return [labels.map((_, index) => index), ...stacked.reverse(), ...(before ? [before.values] : [])]
}

function optionsOf(uPlot, { labels, before, parts, short }, box, legend) {
  const color = (name) => getComputedStyle(box).getPropertyValue(name).trim()
  const font = `12px ${getComputedStyle(box).fontFamily}`
  const [text, line, surface] = [color('--soft'), color('--line'), color('--surface')]
  const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
  const bars = uPlot.paths.bars({ size: [0.72, 48], gap: 1 })
  const width = Math.floor(box.clientWidth) || 320
  return {
    width,
    height: width < NARROW ? 200 : HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: [-0.6, labels.length - 0.4] },
      y: { range: (_, __, most) => [0, Math.max(most * 1.08, 1)] },
    },
    axes: [
      {
        font,
        stroke: text,
        size: 30,
        grid: { show: false },
        ticks: { show: false },
        incrs: [1, 2, 3, 5, 6, 7, 10, 12, 14, 24, 30, 48, 72, 96, 120, 168, 336, 720],
        space: width < NARROW ? 64 : 84,
        values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? (short[at] ?? '') : '')),
      },
      {
        font,
        stroke: text,
        size: 52,
        grid: { stroke: line, width: 1 },
        ticks: { show: false },
        incrs: [
          1,
          2,
          5,
          ...Array.from({ length: 15 }, (_, power) => [1, 2, 2.5, 5].map((step) => step * 10 ** (power + 1))).flat(),
        ],
        values: (_, splits) => splits.map((value) => compact.format(value)),
      },
    ],
    series: [
      {},
      ...[...parts].reverse().map((part) => ({
        fill: color(`--chart-${part.color}`),
        stroke: surface,
        width: parts.length > 1 ? 1 : 0,
        paths: bars,
        points: { show: false },
      })),
      ...(before
        ? [{ stroke: color('--chart-before'), width: 2, dash: [5, 4], points: { show: labels.length < 3, size: 6 } }]
        : []),
    ],
    hooks: { setCursor: [(plot) => legend.show(plot.cursor.idx ?? undefined)] },
  }
}

/** Left and right go through the numbers; what they are is said as the value of a slider. */
function slider(box, { labels, sentence, title }, { show }) {
  let at = labels.length - 1
  box.tabIndex = 0
  box.setAttribute('role', 'slider')
  box.setAttribute('aria-label', title)
  box.setAttribute('aria-valuemin', '1')
  box.setAttribute('aria-valuemax', String(labels.length))
  const say = () => {
    box.setAttribute('aria-valuenow', String(at + 1))
    box.setAttribute('aria-valuetext', sentence(at))
  }
  say()
  const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 7, PageDown: -7 }
  box.addEventListener('keydown', (event) => {
    const ends = { Home: 0, End: labels.length - 1 }
    const wanted = ends[event.key] ?? (moves[event.key] === undefined ? undefined : at + moves[event.key])
    if (wanted === undefined) return
    event.preventDefault()
    at = Math.min(Math.max(0, wanted), labels.length - 1)
    say()
    show(at)
  })
  box.addEventListener('focus', () => show(at))
  box.addEventListener('blur', () => show(undefined))
}
