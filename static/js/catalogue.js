/** The catalogue answers while one types: the same addresses as without scripts, only the results are exchanged. */
export function catalogue() {
  const form = document.querySelector('form[data-catalogue]')
  let running
  let timer

  form.addEventListener('input', ({ target }) => {
    clearTimeout(timer)
    timer = setTimeout(() => go(addressOf(form), { replace: true }), target.type === 'search' ? 120 : 0)
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    go(addressOf(form), { replace: true })
  })
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-instant]')
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    setType(form, new URL(link.href).searchParams.get('type') ?? '')
    go(link.href, { focus: link.textContent })
  })
  window.addEventListener('popstate', () => location.reload())

  async function go(address, { replace = false, focus } = {}) {
    running?.abort()
    running = new AbortController()
    const url = new URL(address, location.href)
    const asked = new URL(url)
    asked.searchParams.set('fragment', 'results')
    try {
      const answer = await fetch(asked, { signal: running.signal })
      // a session that ended, an error page: the whole page knows better
      if (!answer.ok || answer.redirected) return location.assign(url)
      show(await answer.text())
      history[replace ? 'replaceState' : 'pushState'](null, '', url)
      if (focus) document.querySelector('[data-results] [aria-current]')?.focus()
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(url)
    }
  }
}

function show(html) {
  const results = document.querySelector('[data-results]')
  const next = new DOMParser().parseFromString(html, 'text/html').querySelector('[data-results]')
  results.replaceWith(next)
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
