/** Opens the marked disclosures on screens wide enough to show them next to the text. */
export function openOnWideScreens() {
  const wide = matchMedia('(min-width: 64rem)')
  for (const details of document.querySelectorAll('[data-open-when-wide]')) {
    details.open = wide.matches
    wide.addEventListener('change', () => {
      details.open = wide.matches
    })
  }
}

/** Closes the marked menus on Escape, on a click elsewhere, and when the focus leaves them. */
export function closeMenus() {
  const menus = document.querySelectorAll('details[data-menu]')
  const close = (isOutside) => {
    for (const menu of menus) if (menu.open && isOutside(menu)) menu.open = false
  }
  document.addEventListener('click', ({ target }) => close((menu) => !menu.contains(target)))
  document.addEventListener('focusin', ({ target }) => close((menu) => !menu.contains(target)))
  document.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return
    for (const menu of menus)
      if (menu.open && menu.contains(document.activeElement)) menu.querySelector('summary').focus()
    close(() => true)
  })
}
