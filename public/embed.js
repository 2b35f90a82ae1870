// Estimate the comment as it is typed.
const comment = document.querySelector("#comment");
const estimate = document.querySelector("#estimate");

comment.addEventListener("input", () => {
  estimate.text = comment.value;
});
estimate.text = comment.value;
