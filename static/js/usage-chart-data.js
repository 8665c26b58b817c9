const numberFormat = new Intl.NumberFormat('en-US')

/** Reads a usage table: row labels, and columns for the total, the previous period, and the parts. */
export function readChartData(section) {
  const table = section.querySelector('table')
  const heads = [...table.tHead.rows[0].cells].slice(1)
  const rows = [...table.tBodies[0].rows]
  const columns = heads.map((head, index) => ({
    name: head.textContent,
    kind: head.dataset.kind,
    values: rows.map((row) => Number(row.cells[index + 1].dataset.value)),
  }))
  const labels = rows.map((row) => row.cells[0].textContent)
  const total = columns.find(({ kind }) => kind === 'total')
  const partColumns = columns.filter(({ kind }) => kind === 'part')
  const previous = columns.find(({ kind }) => kind === 'previous')
  // The colour depends only on the column, so that it matches the list of shares below the chart.
  const parts = (partColumns.length > 0 ? partColumns : [total])
    .map((part, index) => ({ ...part, color: index % 10 }))
    .filter(({ values }, _, all) => all.length === 1 || values.some((value) => value > 0))
  return {
    title: section.querySelector('h2').textContent,
    labels,
    shortLabels: labels.map(shorten),
    total: partColumns.length > 0 ? total : undefined,
    previous,
    parts,
    describe: (at) =>
      `${labels[at]}: ${columns.map(({ name, values }) => `${name} ${numberFormat.format(values[at])}`).join(', ')}`,
  }
}

/** Labels below bars: `25 Nov` instead of `Tue 25 Nov`, and only the time for hours. */
function shorten(label) {
  const bare = label.replace(/ \(.*\)$/, '').replace(/, so far$/, '')
  const [day, hour] = bare.split(', ')
  if (hour) return hour === '00:00' ? day.replace(/^[A-Z][a-z]{2} (?=\d{1,2} )/, '') : hour
  return day.replace(/^[A-Z][a-z]{2} (?=\d{1,2} )/, '').replace(/^([A-Z][a-z]{2})[a-z]+ (\d{4})$/, '$1 $2')
}

/** The legend above the chart, with the totals or the numbers of the selected bar. */
export function createLegend({ labels, total, previous, parts }) {
  const element = document.createElement('div')
  element.className = 'chart-legend'
  element.setAttribute('aria-hidden', 'true')
  const heading = element.appendChild(document.createElement('strong'))
  const items = [
    ...(total ? [{ ...total, color: '' }] : []),
    ...(previous ? [{ ...previous, color: 'previous' }] : []),
    ...parts,
  ].map((column) => {
    const item = element.appendChild(document.createElement('span'))
    item.className = 'chart-item'
    if (column.color !== '') {
      const chip = item.appendChild(document.createElement('span'))
      chip.className = 'chart-chip'
      chip.dataset.color = column.color
    }
    item.append(`${column.name} `)
    return { value: item.appendChild(document.createElement('b')), values: column.values }
  })
  const show = (index) => {
    heading.textContent = index === undefined ? 'Total' : labels[index]
    for (const { value, values } of items)
      value.textContent = numberFormat.format(
        index === undefined ? values.reduce((sum, value) => sum + value, 0) : values[index],
      )
  }
  show(undefined)
  return { element, show }
}
