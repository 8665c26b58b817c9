import { copyButtons } from './copy.js'

/** Updates the catalogue while the user types. Addresses are the same as without scripts; only the results are replaced. */
export function catalogue() {
  const form = document.querySelector('form[data-catalogue]')
  let running
  let timer

  form.addEventListener('input', ({ target }) => {
    clearTimeout(timer)
    timer = setTimeout(() => load(addressOf(form), { replace: true }), target.type === 'search' ? 120 : 0)
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    load(addressOf(form), { replace: true })
  })
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-instant]')
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    setType(form, new URL(link.href).searchParams.get('type') ?? '')
    load(link.href, { focus: link.textContent })
  })
  window.addEventListener('popstate', () => location.reload())

  async function load(address, { replace = false, focus } = {}) {
    running?.abort()
    running = new AbortController()
    const url = new URL(address, location.href)
    const fragment = new URL(url)
    fragment.searchParams.set('fragment', 'results')
    try {
      const response = await fetch(fragment, { signal: running.signal })
      // After the session has ended or an error, the full page shows what to do.
      if (!response.ok || response.redirected) return location.assign(url)
      showResults(await response.text())
      history[replace ? 'replaceState' : 'pushState'](null, '', url)
      if (focus) document.querySelector('[data-results] [aria-current]')?.focus()
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(url)
    }
  }
}

function showResults(html) {
  const results = document.querySelector('[data-results]')
  const next = new DOMParser().parseFromString(html, 'text/html').querySelector('[data-results]')
  results.replaceWith(next)
  copyButtons(next)
  document.querySelector('[data-count]').textContent = next.dataset.words
  document.dispatchEvent(new CustomEvent('results'))
}

function addressOf(form) {
  const query = new URLSearchParams()
  for (const [name, value] of new FormData(form)) if (value !== '') query.set(name, value)
  const text = query.toString()
  return text ? `${form.getAttribute('action')}?${text}` : form.getAttribute('action')
}

function setType(form, type) {
  form.querySelector('input[name=type]')?.remove()
  if (!type) return
  const input = document.createElement('input')
  Object.assign(input, { type: 'hidden', name: 'type', value: type })
  form.append(input)
}
