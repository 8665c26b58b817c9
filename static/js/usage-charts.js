import { createLegend, readChartData } from './usage-chart-data.js'

const HEIGHT = 260
const NARROW = 480

/** Draws a chart for each usage table, from the numbers in the table. */
export async function usageCharts() {
  const sections = [...document.querySelectorAll('[data-usage]')].filter((section) =>
    section.querySelector('[data-chart]'),
  )
  if (sections.length === 0) return
  const [{ default: uPlot }] = await Promise.all([import('../vendor/uplot.js'), styles()])
  const charts = sections.map((section) => createChart(uPlot, section))
  // A canvas does not follow CSS, so a change of theme requires drawing again.
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

function createChart(uPlot, section) {
  const data = readChartData(section)
  const frame = section.querySelector('[data-chart]')
  const box = document.createElement('div')
  box.className = 'chart-box'
  const legend = createLegend(data)
  frame.append(legend.element, box)
  frame.hidden = false
  section.querySelector('.usage-rows').open = false
  let plot = draw()
  addSlider(box, data, {
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
    return new uPlot(chartOptions(uPlot, data, box, legend), chartSeries(data), box)
  }

  function pointAt(index) {
    return { left: plot.valToPos(index, 'x'), top: plot.over.clientHeight / 2 }
  }
}

/** Bars are stacked by drawing cumulative sums, the largest first. */
function chartSeries({ labels, previous, parts }) {
  let below = labels.map(() => 0)
  const stacked = parts.map(({ values }) => {
    below = below.map((sum, index) => sum + values[index])
    return below
  })
  return [labels.map((_, index) => index), ...stacked.reverse(), ...(previous ? [previous.values] : [])]
}

function chartOptions(uPlot, { labels, previous, parts, shortLabels }, box, legend) {
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
        values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? (shortLabels[at] ?? '') : '')),
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
      ...(previous
        ? [{ stroke: color('--chart-previous'), width: 2, dash: [5, 4], points: { show: labels.length < 3, size: 6 } }]
        : []),
    ],
    hooks: { setCursor: [(plot) => legend.show(plot.cursor.idx ?? undefined)] },
  }
}

/** Arrow keys select a bar. Screen readers announce it as the value of a slider. */
function addSlider(box, { labels, describe, title }, { show }) {
  let at = labels.length - 1
  box.tabIndex = 0
  box.setAttribute('role', 'slider')
  box.setAttribute('aria-label', title)
  box.setAttribute('aria-valuemin', '1')
  box.setAttribute('aria-valuemax', String(labels.length))
  const announce = () => {
    box.setAttribute('aria-valuenow', String(at + 1))
    box.setAttribute('aria-valuetext', describe(at))
  }
  announce()
  const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 7, PageDown: -7 }
  box.addEventListener('keydown', (event) => {
    const ends = { Home: 0, End: labels.length - 1 }
    const next = ends[event.key] ?? (moves[event.key] === undefined ? undefined : at + moves[event.key])
    if (next === undefined) return
    event.preventDefault()
    at = Math.min(Math.max(0, next), labels.length - 1)
    announce()
    show(at)
  })
  box.addEventListener('focus', () => show(at))
  box.addEventListener('blur', () => show(undefined))
}
