import { messages } from './command-palette-messages.js'

const TYPING_MS = 150
const MAX_OF_GROUP = 6

/** A dialog that searches models, the user's applications, pages and actions. */
export function createPalette() {
  const dialog = element('dialog', { className: 'palette', ariaLabel: messages.title })
  const input = element('input', { type: 'search', placeholder: messages.placeholder, autocomplete: 'off' })
  const list = element('div', { id: 'palette-results', role: 'listbox', ariaLabel: messages.title })
  const status = element('p', { className: 'palette-status', role: 'status' })
  for (const [name, value] of Object.entries({
    role: 'combobox',
    'aria-label': messages.placeholder,
    'aria-controls': list.id,
    'aria-expanded': 'true',
    'aria-autocomplete': 'list',
  }))
    input.setAttribute(name, value)
  dialog.append(input, list, status, element('p', { className: 'palette-hint', textContent: messages.hint }))
  document.body.append(dialog)

  let applications = []
  let models = []
  let hasFailed = false
  let running
  let timer
  let selected = 0

  input.addEventListener('input', () => {
    clearTimeout(timer)
    running?.abort()
    timer = setTimeout(searchModels, TYPING_MS)
    selected = 0
    render()
  })
  input.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) select(selected + step)
    else if (event.key === 'Enter') options()[selected]?.click()
    else return
    event.preventDefault()
  })
  // A click on the backdrop has the dialog itself as its target.
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close()
  })

  return {
    show() {
      input.value = ''
      models = []
      hasFailed = false
      selected = 0
      render()
      dialog.showModal()
      if (document.querySelector('.user-menu')) loadApplications()
    },
  }

  async function loadApplications() {
    const links = await linksOf('/applications', 'main tbody tr').catch(() => undefined)
    if (!links) return
    applications = links
    render()
  }

  async function searchModels() {
    const query = input.value.trim()
    hasFailed = false
    models = []
    if (query) {
      running = new AbortController()
      const address = `/models?${new URLSearchParams({ q: query, fragment: 'results' })}`
      try {
        models = await linksOf(address, '.model-card', running.signal)
      } catch (error) {
        if (error.name === 'AbortError') return
        hasFailed = true
      }
    }
    render()
  }

  function render() {
    const query = input.value.trim()
    // Results that arrive later do not move the selection to another one.
    const chosen = selected > 0 ? options()[selected]?.textContent : undefined
    const all = { label: messages.searchModels(query), href: `/models?${new URLSearchParams({ q: query })}` }
    const groups = [
      [messages.models, query ? [...models.slice(0, MAX_OF_GROUP), all] : []],
      [messages.applications, matching(applications, query)],
      [messages.pages, matching(pages(), query)],
      [messages.actions, matching(actions(), query)],
    ]
    list.replaceChildren(...groups.filter(([, items]) => items.length > 0).map(([title, items]) => group(title, items)))
    for (const [index, option] of options().entries()) option.id = `palette-option-${index}`
    const count = options().length
    status.textContent = hasFailed ? messages.failed : count === 0 ? messages.nothing : messages.count(count)
    select(
      Math.max(
        0,
        options().findIndex(({ textContent }) => textContent === chosen),
      ),
    )
  }

  function select(index) {
    const all = options()
    selected = all.length === 0 ? 0 : (index + all.length) % all.length
    for (const [at, option] of all.entries()) option.setAttribute('aria-selected', String(at === selected))
    const current = all[selected]
    if (!current) return input.removeAttribute('aria-activedescendant')
    input.setAttribute('aria-activedescendant', current.id)
    current.scrollIntoView({ block: 'nearest' })
  }

  function options() {
    return [...list.querySelectorAll('[role=option]')]
  }

  function group(title, items) {
    const part = element('div', { role: 'group', ariaLabel: title })
    part.append(element('p', { className: 'palette-group', ariaHidden: 'true', textContent: title }))
    part.append(...items.slice(0, MAX_OF_GROUP + 1).map((item) => option(item)))
    return part
  }

  function option({ label, details, href, run }) {
    const result = href ? element('a', { href }) : element('div', {})
    result.setAttribute('role', 'option')
    result.tabIndex = -1
    result.append(element('span', { textContent: label }))
    if (details) result.append(element('span', { className: 'soft', textContent: details }))
    result.addEventListener('click', () => {
      dialog.close()
      run?.()
    })
    return result
  }
}

/** The links of the layout: its navigation, the account menu, and the footer. */
function pages() {
  const links = document.querySelectorAll('.main-nav a, .user-panel a, .masthead-tools > a, .footer-links a')
  return [...links].map((link) => ({ label: link.textContent.trim(), href: link.href }))
}

function actions() {
  const theme = document.querySelector('[data-theme-switch]')
  const signOut = document.querySelector('.user-panel form button')
  return [
    { label: messages.switchTheme, run: () => theme.click() },
    ...(signOut ? [{ label: signOut.textContent.trim(), run: () => signOut.click() }] : []),
  ]
}

function matching(items, query) {
  const words = query.toLowerCase().split(/\s+/)
  return items.filter(({ label, details = '' }) => {
    const text = `${label} ${details}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** The first link of each element of a fragment, with the text that describes it. Throws if there is no such fragment. */
async function linksOf(address, selector, signal) {
  const response = await fetch(address, { signal })
  if (!response.ok || response.redirected) throw new Error(`the portal returned ${response.status}`)
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  return [...page.querySelectorAll(selector)].map((item) => {
    const link = item.querySelector('a')
    const details = item.querySelector('.card-id code, [data-label=Model]')
    return { label: link.textContent.trim(), details: details?.textContent.trim(), href: link.getAttribute('href') }
  })
}

function element(name, properties) {
  const { role, ...others } = properties
  const created = Object.assign(document.createElement(name), others)
  if (role) created.setAttribute('role', role)
  return created
}
