/** Requests the applications and their usage if the home page did not wait for them. */
export async function ownApplications(section) {
  if (!['pending', 'partial'].includes(section.dataset.own)) return
  const response = await fetch('/?fragment=own')
  if (!response.ok) return
  const next = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('[data-own]')
  if (next) section.replaceWith(next)
}
