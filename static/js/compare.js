const MAX_MODELS = 4
const STORAGE_KEY = 'compare'

/** Keeps up to four selected models across searches and pages of this tab. */
export function compare() {
  const bar = document.querySelector('form[data-compare]')
  const status = bar.querySelector('[data-compare-words]')
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
    status.textContent =
      chosen.length === 1 ? '1 model selected. Select another to compare.' : `${chosen.length} models selected`
    for (const box of document.querySelectorAll('input[form=compare]')) {
      box.checked = chosen.includes(box.value)
      box.disabled = !box.checked && chosen.length >= MAX_MODELS
    }
  }
}

function read() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '[]')
    return Array.isArray(stored) ? stored.filter((name) => typeof name === 'string').slice(0, MAX_MODELS) : []
  } catch {
    return []
  }
}

function write(names) {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(names))
  } catch {
    // Private windows may refuse storage. The selection then applies to this page only.
  }
}
