const words = new Intl.NumberFormat('en-US')

/** What a table of numbers says: its rows by name, and its columns as the whole, the period before and the parts. */
export function readingOf(section) {
  const table = section.querySelector('table')
  const heads = [...table.tHead.rows[0].cells].slice(1)
  const rows = [...table.tBodies[0].rows]
  const columns = heads.map((head, index) => ({
    name: head.textContent,
    kind: head.dataset.kind,
    values: rows.map((row) => Number(row.cells[index + 1].dataset.value)),
  }))
  const labels = rows.map((row) => row.cells[0].textContent)
  const whole = columns.find(({ kind }) => kind === 'total')
  const named = columns.filter(({ kind }) => kind === 'part')
  const before = columns.find(({ kind }) => kind === 'before')
  // a part keeps its colour whether others are drawn or not: the shares below have the same
  const parts = (named.length > 0 ? named : [whole])
    .map((part, index) => ({ ...part, color: index % 10 }))
    .filter(({ values }, _, all) => all.length === 1 || values.some((value) => value > 0))
  return {
    title: section.querySelector('h2').textContent,
    labels,
    short: labels.map(shortened),
    whole: named.length > 0 ? whole : undefined,
    before,
    parts,
    sentence: (at) =>
      `${labels[at]}: ${columns.map(({ name, values }) => `${name} ${words.format(values[at])}`).join(', ')}`,
  }
}

/** `Tue 25 Nov` is too long under a bar, `25 Nov` is not; of hours the time is enough. */
function shortened(label) {
  const bare = label.replace(/ \(.*\)$/, '').replace(/, so far$/, '')
  const [day, hour] = bare.split(', ')
  if (hour) return hour === '00:00' ? day.replace(/^[A-Z][a-z]{2} (?=\d{1,2} )/, '') : hour
  return day.replace(/^[A-Z][a-z]{2} (?=\d{1,2} )/, '').replace(/^([A-Z][a-z]{2})[a-z]+ (\d{4})$/, '$1 $2')
}

/** Names and colours over the chart; with the sums, or with the numbers of the bar that is looked at. */
export function legendOf({ labels, whole, before, parts }) {
  const element = document.createElement('div')
  element.className = 'chart-legend'
  element.setAttribute('aria-hidden', 'true')
  const place = element.appendChild(document.createElement('strong'))
  const items = [
    ...(whole ? [{ ...whole, color: '' }] : []),
    ...(before ? [{ ...before, color: 'before' }] : []),
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
    place.textContent = index === undefined ? 'All' : labels[index]
    for (const { value, values } of items)
      value.textContent = words.format(index === undefined ? values.reduce((sum, one) => sum + one, 0) : values[index])
  }
  show(undefined)
  return { element, show }
}
