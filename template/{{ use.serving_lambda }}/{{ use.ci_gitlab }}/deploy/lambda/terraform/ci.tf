# GitLab CI deploys without a key: it shows the token of a job, and AWS lends it a role for an hour.
# Only jobs of this project's branch main are taken.

variable "repository" {
  description = "group/name of the project on GitLab"
  type        = string
}

variable "gitlab" {
  description = "the host of GitLab"
  type        = string
  default     = "gitlab.com"
}

resource "aws_iam_openid_connect_provider" "ci" { # an account has one for a host: import it if it is there
  url            = "https://${var.gitlab}"
  client_id_list = ["https://${var.gitlab}"]
}

data "aws_iam_policy_document" "ci" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.ci.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.gitlab}:aud"
      values   = ["https://${var.gitlab}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.gitlab}:sub"
      values   = ["project_path:${var.repository}:ref_type:branch:ref:main"]
    }
  }
}
