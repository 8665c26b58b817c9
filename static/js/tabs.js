/** Sections of code become tabs; without scripts they stand one below the other. */
export function tabs() {
  for (const group of document.querySelectorAll('[data-tabs]')) {
    const panels = [...group.querySelectorAll('.code-panel')]
    if (panels.length < 2) continue
    const list = document.createElement('div')
    list.className = 'tab-list'
    list.setAttribute('role', 'tablist')
    list.setAttribute('aria-label', 'Language')
    const buttons = panels.map((panel, index) => {
      const heading = panel.querySelector('h3')
      const button = document.createElement('button')
      button.type = 'button'
      button.id = `tab-${heading.id}`
      button.textContent = heading.textContent
      button.setAttribute('role', 'tab')
      panel.id = `panel-${heading.id}`
      panel.setAttribute('role', 'tabpanel')
      panel.setAttribute('aria-labelledby', button.id)
      button.setAttribute('aria-controls', panel.id)
      button.addEventListener('click', () => select(index))
      button.addEventListener('keydown', (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
        if (!step) return
        select((index + step + panels.length) % panels.length, true)
      })
      list.append(button)
      return button
    })
    group.prepend(list)
    select(0)

    function select(chosen, focus = false) {
      for (const [index, panel] of panels.entries()) {
        panel.hidden = index !== chosen
        buttons[index].setAttribute('aria-selected', String(index === chosen))
        buttons[index].tabIndex = index === chosen ? 0 : -1
      }
      if (focus) buttons[chosen].focus()
    }
  }
}
