import { copyButtons } from './copy.js'
import { messages } from './dialog-messages.js'

const REFERENCES = ['for', 'form', 'aria-labelledby', 'aria-describedby', 'aria-controls', 'data-copy-text']
const PREFIX = 'dialog-'

/** Opens the questions that a page links to in a dialog above it. Without scripts, and after an invalid answer, they are pages. */
export function openInDialogs() {
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-dialog]')
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    void open(link.href)
  })
}

let isLoading = false

/** Shows the content of a narrow page, or goes to the page if that fails. A second click has no effect. */
async function open(address) {
  if (isLoading) return
  isLoading = true
  try {
    const response = await fetch(address)
    if (!response.ok || response.redirected) return location.assign(address)
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const content = page.querySelector('main .narrow')
    if (!content) return location.assign(address)
    withOwnIds(content)
    const dialog = createDialog()
    dialog.prepend(content)
    const title = dialog.querySelector('h1')
    title.id = `${PREFIX}title`
    dialog.setAttribute('aria-labelledby', title.id)
    copyButtons(content)
    dialog.showModal()
  } catch {
    location.assign(address)
  } finally {
    isLoading = false
  }
}

function createDialog() {
  const dialog = Object.assign(document.createElement('dialog'), { className: 'dialog' })
  const close = Object.assign(document.createElement('button'), { type: 'button', className: 'dialog-close' })
  close.setAttribute('aria-label', messages.close)
  dialog.append(close)
  document.body.append(dialog)

  close.addEventListener('click', () => dialog.close())
  dialog.addEventListener('close', () => dialog.remove())
  dialog.addEventListener('click', (event) => {
    // "Cancel" leads back to the page below. A click on the backdrop has the dialog itself as its target.
    const link = event.target.closest('a')
    const isBack = link && link.origin === location.origin && link.pathname === location.pathname && !link.search
    if (!isBack && event.target !== dialog) return
    event.preventDefault()
    dialog.close()
  })
  return dialog
}

/** The page below has elements of its own with some of these IDs. */
function withOwnIds(content) {
  const ids = new Set()
  for (const element of content.querySelectorAll('[id]')) {
    ids.add(element.id)
    element.id = PREFIX + element.id
  }
  for (const name of REFERENCES) {
    for (const element of content.querySelectorAll(`[${name}]`)) {
      const references = element.getAttribute(name).split(' ')
      element.setAttribute(name, references.map((id) => (ids.has(id) ? PREFIX + id : id)).join(' '))
    }
  }
}
