# The registry of images. A tag is written once, so that a version of the function stays what it was.

resource "aws_ecr_repository" "images" {
  name                 = local.name
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "images" {
  repository = aws_ecr_repository.images.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "the last 50 images; a version of the function needs its own"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 50 }
      action       = { type = "expire" }
    }]
  })
}

output "images" {
  description = "what an image's name begins with: --image THIS:TAG"
  value       = aws_ecr_repository.images.repository_url
}
