/** Text of the layout and of the pages that belong to no feature. */

export const navigationLabels = {
  models: 'Models',
  applications: 'Applications',
  playground: 'Playground',
  usage: 'Usage',
}

/** Announced by screen readers instead of the color of a notice. */
export const noticeTitles = {
  success: 'Success',
  info: 'Information',
  warning: 'Warning',
  danger: 'Error',
}
