// Goes on as soon as every app's page has loaded, and after three seconds in any case. Without this
// script the page goes on by itself a little later.
const goOn = () => location.replace(document.getElementById("continue").href);
addEventListener("load", goOn, { once: true });
setTimeout(goOn, 3000);
