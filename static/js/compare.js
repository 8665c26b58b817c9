const MOST = 4
const PLACE = 'compare'

/** What is ticked for comparison stays ticked over searches and pages of this tab; four at most. */
export function compare() {
  const bar = document.querySelector('form[data-compare]')
  const words = bar.querySelector('[data-compare-words]')
  let chosen = read()

  document.addEventListener('change', ({ target }) => {
    if (target.form !== bar) return
    const { value, checked } = target
    chosen = chosen.filter((name) => name !== value)
    if (checked) chosen.push(value)
    write(chosen)
    update()
  })
  document.addEventListener('results', update)
  bar.addEventListener('submit', (event) => {
    event.preventDefault()
    location.assign(`${bar.getAttribute('action')}?${new URLSearchParams(chosen.map((name) => ['model', name]))}`)
  })
  update()

  function update() {
    bar.classList.toggle('shown', chosen.length > 0)
    words.textContent = chosen.length === 1 ? '1 model chosen; choose one more' : `${chosen.length} models chosen`
    for (const box of document.querySelectorAll('input[form=compare]')) {
      box.checked = chosen.includes(box.value)
      box.disabled = !box.checked && chosen.length >= MOST
    }
  }
}

function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? '[]')
    return Array.isArray(kept) ? kept.filter((name) => typeof name === 'string').slice(0, MOST) : []
  } catch {
    return []
  }
}

function write(names) {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(names))
  } catch {
    // private windows may refuse; the choice then lasts for this page
  }
}
